# STAND-IN for the public python:3.11-slim-bookworm, for tests where no image registry can be reached:
# Debian's Python 3.11 where the public image has its own. The certificates are those of the machine
# that builds, which may reach PyPI through a proxy.
FROM usher-stand-in/bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/*
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
RUN rm /usr/lib/python3.11/EXTERNALLY-MANAGED \
 && for name in python python3 python3.11; do ln -s /usr/bin/python3.11 /usr/local/bin/$name; done \
 && python3 -m venv /tmp/venv \
 && /tmp/venv/bin/pip install --no-cache-dir \
        --target /usr/local/lib/python3.11/dist-packages pip setuptools wheel \
 && rm -rf /tmp/venv
CMD ["python3"]
