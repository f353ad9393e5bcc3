//! Where something is reached and by which key it is known, and the HTTP clients that hold to it.
//!
//! Between machines of Pumasi nobody vouches for a name: a [`Link`] carries the *pin*, the SHA-256 of the key that answers
//! there (the certificate's SubjectPublicKeyInfo, RFC 5280). A client with a pin speaks TLS 1.3 with whoever proves to hold
//! that key, and with nobody else; the names and dates in the certificate mean nothing. Without a pin, `https://` is what it
//! is on the web, with the roots of Mozilla's list.

use ledger::{Digest, Register};
use rustls::{
    DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Nobody takes longer to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// What was sent and is not acknowledged by the other machine for so long never arrives.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// A connection that nobody used for so long is let go, before the machine there lets it go: a node does after 30 seconds.
const IDLE: Duration = Duration::from_secs(20);
/// So many keys are talked to at once before those of earlier ones are forgotten.
const CLIENTS_MAX: usize = 1_024;

/// An address, and the key that answers there. As text `https://host:port#key`, where the key is 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Link {
    /// `http://` or `https://`, a host, perhaps a port and a path; no slash at the end.
    pub address: String,
    /// SHA-256 of the key; none where the web's roots decide.
    pub pin: Option<Digest>,
}

/// Why a text is not a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is no address.
    #[error("expected an address such as https://HOST:PORT")]
    Address,
    /// What stands behind the `#` is no key.
    #[error("expected 64 lower-case hexadecimal digits behind the #")]
    Key,
    /// A key can be proved over TLS alone.
    #[error("a key needs https://, and this is http://")]
    KeyWithoutTls,
}

impl Link {
    /// Where a door is reached, as its account registered it.
    pub fn to_door(door: &Register) -> Self {
        Self { address: door.address.clone(), pin: door.tls_key.filter(|_| door.address.starts_with("https://")) }
    }

    /// True if what is sent there can be read by nobody in between.
    pub fn is_private(&self) -> bool {
        self.address.starts_with("https://")
    }

    /// True for an address of this very machine.
    pub fn is_loopback(&self) -> bool {
        let host = reqwest::Url::parse(&self.address).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.is_some_and(|host| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
    }

    /// A client for this link, to be built with what else it needs.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn client(&self) -> Result<reqwest::ClientBuilder, rustls::Error> {
        let client = client(self.pin)?;
        // No proxy of the environment reaches this very machine.
        Ok(if self.is_loopback() { client.no_proxy() } else { client })
    }
}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (address, key) = text.split_once('#').map_or((text, None), |(address, key)| (address, Some(key)));
        let address = address.trim_end_matches('/');
        let url = reqwest::Url::parse(address).map_err(|_| LinkError::Address)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || !address.contains("://") || !url.has_host() || !plain {
            return Err(LinkError::Address);
        }
        let pin = key.map(|key| format!("sha256:{key}").parse()).transpose().map_err(|_| LinkError::Key)?;
        if pin.is_some() && url.scheme() != "https" {
            return Err(LinkError::KeyWithoutTls);
        }
        Ok(Self { address: address.to_owned(), pin })
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        self.pin.map_or(Ok(()), |pin| write!(f, "#{}", hex::encode(pin.0)))
    }
}

/// The pin of whoever shows a certificate.
///
/// # Errors
/// If it is no certificate.
pub fn pin_of(certificate: &CertificateDer<'_>) -> Result<Digest, rustls::Error> {
    Ok(Digest::of(&ParsedCertificate::try_from(certificate)?.subject_public_key_info()))
}

/// Says once for the whole process which cryptography TLS uses, also for HTTP clients that are made without a link: call it
/// before the first one. Calling it again changes nothing.
pub fn choose_cryptography() {
    drop(ring::default_provider().install_default());
}

fn client(pin: Option<Digest>) -> Result<reqwest::ClientBuilder, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let tls = match pin {
        Some(pin) => rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned::new(pin, &provider)))
            .with_no_client_auth(),
        None => rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() })
            .with_no_client_auth(),
    };
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).connect_timeout(CONNECT).tcp_nodelay(true);
    let client = client.pool_idle_timeout(IDLE);
    #[cfg(target_os = "linux")]
    let client = client.tcp_user_timeout(UNACKNOWLEDGED);
    // Nobody may be sent on to where another key answers.
    Ok(if pin.is_some() { client.redirect(reqwest::redirect::Policy::none()) } else { client })
}

/// Takes one key for good, and no other.
#[derive(Debug)]
struct Pinned {
    pin: Digest,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    const fn new(pin: Digest, provider: &CryptoProvider) -> Self {
        Self { pin, algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = pin_of(certificate)?;
        if shown == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        let (shown, pin) = (hex::encode(shown.0), hex::encode(self.pin.0));
        Err(rustls::Error::General(format!("the machine there has the key {shown}, not {pin}")))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("a key is proved over TLS 1.3 alone".into()))
    }

    /// The proof that whoever shows the certificate holds its key.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// HTTP clients with pooled connections, one for each key that is talked to.
pub struct Clients {
    finish: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    by_pin: Mutex<HashMap<Option<Digest>, reqwest::Client>>,
}

impl Clients {
    /// None yet; `finish` adds to each what it needs beside its TLS.
    pub fn new(finish: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Self {
        Self { finish, by_pin: Mutex::default() }
    }

    /// The client for a link.
    ///
    /// # Errors
    /// If it cannot be set up.
    pub fn to(&self, link: &Link) -> Result<reqwest::Client, String> {
        let mut by_pin = self.by_pin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = by_pin.get(&link.pin) {
            return Ok(client.clone());
        }
        let builder = link.client().map_err(|error| error.to_string())?;
        let client = (self.finish)(builder).build().map_err(|error| reason(&error))?;
        if by_pin.len() >= CLIENTS_MAX {
            by_pin.clear();
        }
        by_pin.insert(link.pin, client.clone());
        Ok(client)
    }
}

/// Reads a body, but never more than so many bytes: whoever sends it may be hostile.
///
/// # Errors
/// A clause that says what went wrong.
pub async fn read_body(mut answer: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| reason(&error))? {
        if body.len().saturating_add(piece.len()) > bytes_max {
            return Err("its answer is too long".into());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What went wrong with a request: the innermost reason, without the address.
pub fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_an_address_and_perhaps_a_key() {
        let key = "ab".repeat(32);
        let pinned = format!("https://a.example:7421#{key}");
        for (text, same) in [
            (pinned.as_str(), pinned.as_str()),
            ("http://127.0.0.1:7420/", "http://127.0.0.1:7420"),
            ("https://[::1]:7420", "https://[::1]:7420"),
            ("https://a.example", "https://a.example"),
        ] {
            assert_eq!(text.parse::<Link>().unwrap().to_string(), same);
        }
        let short = format!("https://a.example#{}", &key[1..]);
        let plain = format!("http://a.example#{key}");
        for (text, error) in [
            ("a.example:7420", LinkError::Address),
            ("ftp://a.example", LinkError::Address),
            ("https:a.example", LinkError::Address),
            ("https://", LinkError::Address),
            ("https://me:secret@a.example", LinkError::Address),
            ("https://a.example?x=1", LinkError::Address),
            (&short, LinkError::Key),
            ("https://a.example#", LinkError::Key),
            (&plain, LinkError::KeyWithoutTls),
        ] {
            assert_eq!(text.parse::<Link>(), Err(error), "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("http://10.0.0.1:1", false),
            ("https://127.0.0.1.example:1", false),
        ] {
            assert_eq!(text.parse::<Link>().unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
