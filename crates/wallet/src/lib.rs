//! Signing keys, sequences and submission: the only code that signs an operation.
