# STAND-IN for the public registry.k8s.io/pause, for tests where no image registry can be reached: a
# process that holds the namespaces of a pod, and does nothing.
FROM usher-stand-in/bookworm
CMD ["sleep", "infinity"]
