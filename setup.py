"""Only what setup.cfg cannot say: the optional compiled part, one module a file of csrc/."""

from pathlib import Path

from setuptools import Extension, setup

FLAGS = ["-O3", "-ffp-contract=off"]  # without fused multiply-adds numpy and C round alike

setup(
    ext_modules=[
        Extension(f"eigenface._{source.stem}", [source.as_posix()], optional=True, extra_compile_args=FLAGS)
        for source in sorted(Path("csrc").glob("*.c"))
    ]
)
