"""The device agent: embedded in a product, it decides, enforces, measures, journals and reports."""
