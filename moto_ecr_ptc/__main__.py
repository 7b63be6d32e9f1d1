"""``python -m moto_ecr_ptc`` is ``moto_ecr_ptc_server``."""

from .server import main

main(program="python -m moto_ecr_ptc")
