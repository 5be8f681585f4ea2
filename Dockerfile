# One image for `serve`, `worker` and `migrate`: the command decides.
#   docker build -t registry .
#   docker run --rm -e REGISTRY_DATABASE_URL -e REGISTRY_KEYS_FILE=/keys/keys.json -v ./keys:/keys:ro registry

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements.txt requirements-local.txt ./
RUN python -m venv /opt/registry \
    && /opt/registry/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY migrations migrations
# The build backend comes from the same hash-locked files, in an environment that is thrown away.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements-local.txt \
    && /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /build/dist . \
    && /opt/registry/bin/pip install --no-cache-dir --no-deps --no-index /build/dist/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home registry
COPY --from=build /opt/registry /opt/registry
ENV PATH=/opt/registry/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8000
# For `serve`; a worker or a migration is run with --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/live', timeout=2)"]
ENTRYPOINT ["registry"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
