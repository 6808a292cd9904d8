"""Lists of a batch's notices as files: written for spreadsheets, and brought back with decisions."""
