//! TLS for plugins: the host agrees on it, a plugin never sees a key.
//!
//! Certificates are checked against the system's roots, or against one pinned certificate. Never speaks less than TLS 1.2.

use std::sync::{Arc, OnceLock};

use ostler_plugin_api::{Guard, Guards};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};
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
    config: Arc<ClientConfig>,
) -> Result<Box<dyn Carrier>, String> {
    let name =
        ServerName::try_from(name.to_owned()).map_err(|_| format!("'{name}' is no name of a server"))?;
    let agreed = TlsConnector::from(config).connect(name, carrier).await;
    agreed.map(|stream| Box::new(stream) as Box<dyn Carrier>).map_err(|error| error.to_string())
}

/// What is trusted: the system's roots, read once, and certificates beside them.
pub(crate) struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Trusts certificates (PEM) beside the system's roots.
    ///
    /// # Errors
    /// Says which of the certificates can't be used.
    pub(crate) fn with(roots_pem: &[u8]) -> Result<Self, String> {
        let system = system_roots();
        let roots = if roots_pem.is_empty() {
            system
        } else {
            let mut roots = RootCertStore::clone(&system);
            for certificate in CertificateDer::pem_slice_iter(roots_pem) {
                let certificate =
                    certificate.map_err(|error| format!("a configured certificate: {error}"))?;
                roots.add(certificate).map_err(|error| format!("a configured certificate: {error}"))?;
            }
            Arc::new(roots)
        };
        Ok(Self(Arc::new(builder()?.with_root_certificates(roots).with_no_client_auth())))
    }

    /// Trusts one certificate and no other.
    ///
    /// # Errors
    /// Fails where the library can't be set up.
    pub(crate) fn pinned(pin: Pin, guards: Guards) -> Result<Self, String> {
        let verifier = Arc::new(Pinned { pin, guards, provider: provider() });
        let config = builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    Arc::clone(ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (_, unread) = roots.add_parsable_certificates(found.certs);
        if unread > 0 || !found.errors.is_empty() {
            tracing::debug!(unread, errors = found.errors.len(), "some roots of the system can't be read");
        }
        Arc::new(roots)
    }))
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

/// Returns how a server speaks TLS with a certificate and its key.
///
/// # Errors
/// Fails where they don't belong together.
pub(crate) fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key)?))
}

/// Fills bytes with what nobody guesses.
///
/// # Errors
/// Fails where the system has no such bytes.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), String> {
    provider().secure_random.fill(bytes).map_err(|_| "the system gives no random numbers".to_owned())
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(aws_lc_rs::default_provider())))
}

/// Trusts one certificate, whoever issued it and whatever name it has: the plugin, or its settings, say that it is the one.
#[derive(Debug)]
struct Pinned {
    pin: Pin,
    guards: Guards,
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
        if found == self.pin.0 || !self.guards.on(Guard::Pin) {
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
