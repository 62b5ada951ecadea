"""Ordered scripts for the long jobs: `python -m eigenface.pipelines.NAME`, each resumable."""
