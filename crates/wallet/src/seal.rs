//! Files sealed by a passphrase, in the format of `age` (age-encryption.org/v1): other programs open them too.

use age::{
    Decryptor, Encryptor,
    armor::{ArmoredReader, ArmoredWriter, Format},
    scrypt::{Identity, Recipient},
    secrecy::{ExposeSecret as _, SecretString},
};
use std::io::{Read, Write};
use zeroize::Zeroizing;

use crate::Error;

/// scrypt's cost, as a power of two: 128 MiB and some tenths of a second for each guess, OWASP's recommendation.
const WORK: u8 = 17;
/// The most that is spent on a stranger's file: 16 times that.
const WORK_MAX: u8 = 21;
/// The shortest passphrase that is taken.
const CHARACTERS_MIN: usize = 8;
/// How an armored file begins.
const ARMORED: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// A passphrase; wiped when dropped, and never shown.
#[derive(Clone, Debug)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// A passphrase that opens something.
    pub fn new(text: &Zeroizing<String>) -> Self {
        Self(SecretString::from(text.as_str()))
    }

    /// True if it may seal something new.
    pub fn is_long_enough(&self) -> bool {
        self.0.expose_secret().chars().count() >= CHARACTERS_MIN
    }

    /// Seals what is written until [`Sealer::finish`].
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn seal<W: Write>(&self, to: W) -> std::io::Result<Sealer<W>> {
        self.sealer(ArmoredWriter::wrap_output(to, Format::Binary)?)
    }

    fn sealer<W: Write>(&self, to: ArmoredWriter<W>) -> std::io::Result<Sealer<W>> {
        let mut recipient = Recipient::new(self.0.clone());
        recipient.set_work_factor(WORK);
        let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            .map_err(std::io::Error::other)?;
        Ok(Sealer(encryptor.wrap_output(to)?))
    }

    /// Text, sealed and armored.
    pub(crate) fn seal_text(&self, text: &str) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut sealer = self.sealer(ArmoredWriter::wrap_output(&mut bytes, Format::AsciiArmor)?)?;
        sealer.write_all(text.as_bytes())?;
        sealer.finish()?;
        Ok(bytes)
    }

    /// Opens what was sealed, armored or not.
    ///
    /// # Errors
    /// [`Error::Passphrase`], or [`Error::NotSealed`] with what is wrong.
    pub fn open<R: Read>(&self, from: R) -> Result<impl Read + use<R>, Error> {
        let mut identity = Identity::new(self.0.clone());
        identity.set_max_work_factor(WORK_MAX);
        let sealed = |error: age::DecryptError| match error {
            age::DecryptError::DecryptionFailed | age::DecryptError::KeyDecryptionFailed => Error::Passphrase,
            other => Error::NotSealed(other.to_string()),
        };
        let decryptor = Decryptor::new(ArmoredReader::new(from)).map_err(sealed)?;
        decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).map_err(sealed)
    }
}

/// Seals what is written.
pub struct Sealer<W: Write>(age::stream::StreamWriter<ArmoredWriter<W>>);

impl<W: Write> Sealer<W> {
    /// Writes the end, without which nothing of it opens.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> std::io::Result<W> {
        self.0.finish()?.finish()
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// True for the text of an armored file.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(ARMORED)
}
