# A moto server whose Amazon ECR has pull through cache, built from this clone:
#   docker build -t moto_ecr_ptc . && docker run -p 127.0.0.1:5000:5000 moto_ecr_ptc
# It answers whoever reaches its port (SECURITY.md): publish that on 127.0.0.1, as here, or on a network of tests only.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
COPY setup.cfg setup.py pyproject.toml MANIFEST.in README.md LICENSE /source/
COPY moto_ecr_ptc /source/moto_ecr_ptc
RUN python -m venv /opt/moto_ecr_ptc && /opt/moto_ecr_ptc/bin/python -m pip install --no-cache-dir '/source[server]'

FROM ${BASE}
COPY --from=build /opt/moto_ecr_ptc /opt/moto_ecr_ptc
ENV PATH=/opt/moto_ecr_ptc/bin:$PATH MOTO_PORT=5000
USER 10001:10001
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["python", "-c", \
    "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"MOTO_PORT\"]}/moto-api/config')"]
ENTRYPOINT ["moto_ecr_ptc_server", "-H", "0.0.0.0"]
