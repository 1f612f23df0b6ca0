# One image for every service and every job: `rekku serve courses`, `rekku migrate`, …
# docs/deployment.md says how it is built and what of it has been checked.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv /opt/rekku

# What the services run on, without what only builds and tests them; nothing that the lock does not know.
COPY requirements.in requirements.lock ./
COPY deploy/locked.py deploy/
RUN python deploy/locked.py --product > product.lock \
    && python deploy/locked.py hatchling > build.lock \
    && /opt/rekku/bin/pip install --require-hashes --requirement product.lock \
    && /opt/build/bin/pip install --require-hashes --requirement build.lock

COPY pyproject.toml README.md LICENSE ./
COPY contracts contracts
COPY chassis chassis
COPY services services
COPY rekku rekku
COPY docs/domain.md docs/rules.md docs/
RUN /opt/build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir wheels . \
    && /opt/rekku/bin/pip install --no-deps --no-index wheels/*.whl


FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --create-home --home-dir /var/lib/rekku --shell /usr/sbin/nologin rekku
COPY --from=build /opt/rekku /opt/rekku
ENV PATH=/opt/rekku/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REKKU_HOME=/var/lib/rekku \
    REKKU_HOST=0.0.0.0 \
    REKKU_PORT=8080
WORKDIR /var/lib/rekku
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "chassis.healthcheck"]
ENTRYPOINT ["rekku"]
