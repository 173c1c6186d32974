//! TLS for plugins: the host agrees on it, a plugin never sees a key.
//!
//! Certificates are checked against the system's roots, or against one pinned certificate. Never speaks less than TLS 1.2.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsConnector;

use crate::capabilities::Carrier;

/// The SHA-256 digest of a certificate in DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pin([u8; 32]);

impl Pin {
    /// Reads 64 hexadecimal digits.
    pub(crate) fn new(text: &str) -> Result<Self, ()> {
        let mut digest = [0; 32];
        if text.len() != 64 {
            return Err(());
        }
        for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| ())?;
            if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(());
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| ())?;
        }
        Ok(Self(digest))
    }
}

/// Agrees on TLS over what carries bytes.
///
/// # Errors
/// Says in words why it could not be agreed on.
pub(crate) async fn connect_tls(
    carrier: Box<dyn Carrier>,
    name: &str,
    pin: Option<Pin>,
) -> Result<Box<dyn Carrier>, String> {
    let name =
        ServerName::try_from(name.to_owned()).map_err(|_| format!("'{name}' is no name of a server"))?;
    let config = match pin {
        None => trusting_roots()?,
        Some(pin) => pinned(pin)?,
    };
    let agreed = TlsConnector::from(config).connect(name, carrier).await;
    agreed.map(|stream| Box::new(stream) as Box<dyn Carrier>).map_err(|error| error.to_string())
}

/// The configuration that trusts the system's roots, read once.
fn trusting_roots() -> Result<Arc<ClientConfig>, String> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (_, unread) = roots.add_parsable_certificates(found.certs);
        if unread > 0 || !found.errors.is_empty() {
            tracing::debug!(unread, errors = found.errors.len(), "some roots of the system can't be read");
        }
        Arc::new(roots)
    });
    let config = builder()?.with_root_certificates(Arc::clone(roots)).with_no_client_auth();
    Ok(Arc::new(config))
}

fn pinned(pin: Pin) -> Result<Arc<ClientConfig>, String> {
    let verifier = Arc::new(Pinned { pin, provider: provider() });
    let config = builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Arc::new(config))
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(aws_lc_rs::default_provider())))
}

/// Trusts one certificate, whoever issued it and whatever name it has: the plugin, or its settings, say that it is the one.
#[derive(Debug)]
struct Pinned {
    pin: Pin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found: [u8; 32] = Sha256::digest(end_entity).into();
        if found == self.pin.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
