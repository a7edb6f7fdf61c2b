"""A camera that can recognise faces, with the agent embedded: read it to learn how to embed it in a product.

``camera`` is the product and the only module that asks the agent; ``faces``, ``sensor``, ``gallery``, ``rules`` and
``receiver`` know nothing of it. Begin with the README beside this file.
"""
