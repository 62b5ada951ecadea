# docker build -t eigenface . && docker run --rm -p 127.0.0.1:8000:8000 --read-only --tmpfs /tmp eigenface

FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN python -m pip wheel --no-cache-dir --wheel-dir /wheels '.[video]'

FROM python:3.12-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    python -m pip install --no-cache-dir --no-index --find-links /wheels 'eigenface[video]' \
    && useradd --system --no-create-home --shell /usr/sbin/nologin eigenface
USER eigenface
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["eigenface"]
CMD ["serve", "--host", "0.0.0.0"]
