# STAND-IN for the public jaegertracing/jaeger, for tests where no image registry can be reached: the
# same program, built from its Go module without the pages of its user interface.
FROM scratch
COPY jaeger /cmd/jaeger/jaeger-linux
ENV JAEGER_LISTEN_HOST=0.0.0.0
VOLUME /tmp
USER 10001
ENTRYPOINT ["/cmd/jaeger/jaeger-linux"]
