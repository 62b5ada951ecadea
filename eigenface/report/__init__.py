"""How good is a model, and for whom: scores with intervals, figures, terminal text and one self-contained HTML page.

Start at `metrics.score`, then `content.ReportContent` and `build.write_report`; import them from their modules.
"""
