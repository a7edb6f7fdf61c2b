"""The whole story with real processes: a server, a camera, compliance and an auditor. Run ``python -m examples.demo``.

Nothing is scripted but the questions: every answer that is shown came from a command or a process, and each is held
against what the story says must come. ``office``, ``field``, ``incident`` and ``audit`` are its chapters.
"""
