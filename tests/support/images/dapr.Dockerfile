# STAND-IN for the public daprio/daprd, daprio/placement and daprio/scheduler, for tests where no
# image registry can be reached: the same program, built from its Go module, and nothing else. No
# shell, no /tmp, and the user of the public images.
FROM scratch
ARG program
COPY ${program} /
USER 65532:65532
WORKDIR /
