# The bot and its worker in one image; compose.yaml and deploy/kubernetes start both from it.
FROM python:3.11-slim-bookworm AS packages
WORKDIR /packages
COPY requirements.lock .
RUN python -m venv /venv && \
    /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home paintbox && install --directory --owner paintbox /data
COPY --from=packages /venv /venv
WORKDIR /app
# .dockerignore names what comes along.
COPY . .
# One memory arena: threads that take turns need no more, and the process stays smaller.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=1 \
    DATA_DIR=/data \
    HEALTH_PORT=8080
USER 10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/live', timeout=4)"]
CMD ["python", "bot.py"]
