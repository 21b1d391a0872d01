"""Records in Kadi4Mat: which instance, what a record becomes there, pushing, and inputs that are downloaded.

Nothing here is needed to run a step: :class:`~kadi_battgen.records.kadi.store.KadiStore` keeps every record locally first,
and Kadi4Mat in step as far as it can be reached.
"""
