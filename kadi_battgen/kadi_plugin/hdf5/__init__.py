"""Previews of HDF5 files: a process of its own reads the file and answers with JSON.

``process`` is the server's side, ``worker`` what runs in the process, which nothing else imports.
"""
