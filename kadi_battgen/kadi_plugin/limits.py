"""What a preview may cost at most, whatever a file says of itself."""

from __future__ import annotations

from typing import Final

MEGABYTE: Final = 1 << 20

#: Bytes at the start of a file that tell whose it is.
HEADER: Final = 1 << 16

#: Largest JSON document that is read, in bytes; a model card has some thousands.
LARGEST_CARD: Final = 2 * MEGABYTE

#: Bytes of a table that are read; its further rows are not shown.
LARGEST_TABLE: Final = 8 * MEGABYTE
MOST_ROWS: Final = 2000
MOST_COLUMNS: Final = 200

#: Longest header of a safetensors file that is read, in bytes, and most tensors that are listed.
LARGEST_TENSOR_HEADER: Final = 8 * MEGABYTE
MOST_TENSORS: Final = 500

#: Characters of one text that are shown.
LONGEST_TEXT: Final = 2000

#: Values of a JSON document that are shown, and how deeply they may be nested.
MOST_VALUES: Final = 4000
DEEPEST: Final = 12

#: Epochs and curves of a training that are drawn; of more epochs, so many at even distances.
MOST_EPOCHS: Final = 1000
MOST_CURVES: Final = 60

#: Records of a chain of provenance that are shown, and links of one record that are followed.
MOST_RECORDS: Final = 60
MOST_LINKS: Final = 100

# The process that reads HDF5.

#: Address space, 110 MB of which Python, NumPy and h5py take.
READER_MEMORY: Final = 512 * MEGABYTE
#: Processor time and wall-clock time in s.
READER_CPU: Final = 10
READER_PATIENCE: Final = 30.0
#: Largest answer in bytes.
READER_ANSWER: Final = 16 * MEGABYTE
#: Readers at a time in one process of the server, and s that a further one waits.
READERS: Final = 2
READER_QUEUE: Final = 20.0

#: Largest value of one attribute, of one sample and of one column in bytes, before compression.
LARGEST_ATTRIBUTE: Final = 4 * MEGABYTE
LARGEST_SAMPLE: Final = 32 * MEGABYTE
LARGEST_COLUMN: Final = 64 * MEGABYTE
#: Images of one sample, and pixels along an edge that are shown.
MOST_IMAGES: Final = 64
MOST_PIXELS: Final = 256
#: Samples on one page.
MOST_SAMPLES: Final = 24
