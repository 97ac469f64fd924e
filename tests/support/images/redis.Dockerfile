# STAND-IN for the public redis:7.2-bookworm, for tests where no image registry can be reached:
# Debian's Redis 7.0, with /data and the user redis as the public image has them.
FROM usher-stand-in/bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && install -d -o redis -g redis /data
WORKDIR /data
VOLUME /data
USER redis
CMD ["redis-server"]
