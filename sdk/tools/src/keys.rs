//! Keys of publishers, and signatures of files: those of minisign, so that its tools read them too.
//!
//! Never prints a secret key or its passphrase.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use ostler_registry::{PublisherKey, verify_signature};
use zeroize::Zeroizing;

use crate::ToolError;
use crate::project::check_bytes;

/// What is behind a file's name in that of its signature.
const SIGNATURE: &str = "minisig";

/// A pair of keys on the disk.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    /// The secret key: for the publisher alone.
    pub secret: PathBuf,
    /// The public key: for everybody.
    pub public: PathBuf,
    /// The public key as policies and the command line write it.
    pub public_text: String,
}

/// A file that was signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The signature's file.
    pub signature: PathBuf,
    /// What the signature says of the file, for people: signed too.
    pub comment: String,
}

fn key_error(error: minisign::PError) -> ToolError {
    ToolError::Key(error.to_string())
}

/// Makes a pair of keys: `FILE` and, beside it, `FILE.pub`. Without a passphrase the secret key lies there as it is.
///
/// # Errors
/// A file is there already, or can't be written.
pub fn keygen(secret: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<KeyFiles, ToolError> {
    let public = secret.with_added_extension("pub");
    for path in [secret, &public] {
        if path.exists() {
            return Err(ToolError::Exists(path.to_owned()));
        }
    }
    let pair = match passphrase {
        // The library takes it over.
        Some(passphrase) => KeyPair::generate_encrypted_keypair(Some(passphrase.to_string())),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let KeyPair { pk, sk } = pair.map_err(key_error)?;
    let secret_text =
        Zeroizing::new(sk.to_box(Some("ostler publisher secret key")).map_err(key_error)?.into_string());
    write_new(secret, secret_text.as_bytes(), 0o600)?;
    write_new(&public, pk.to_box().map_err(key_error)?.into_string().as_bytes(), 0o644)?;
    Ok(KeyFiles { secret: secret.to_owned(), public, public_text: pk.to_base64() })
}

/// Tells whether a secret key has a passphrase.
///
/// # Errors
/// The file can't be read, or is no key.
fn secret_key(path: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<SecretKey, ToolError> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(ToolError::file(path))?);
    let key = || SecretKeyBox::from_string(&text).map_err(key_error);
    match passphrase {
        Some(passphrase) => key()?.into_secret_key(Some(passphrase.to_string())).map_err(key_error),
        None => key()?.into_unencrypted_secret_key().map_err(|_| {
            ToolError::Key(
                "it has a passphrase: give it with --key-passphrase-file, or at a terminal".to_owned(),
            )
        }),
    }
}

/// Signs a plugin that fits, and writes `FILE.minisig` beside it.
///
/// # Errors
/// The file is no plugin, the key or its passphrase is wrong, or the signature can't be written.
pub fn sign(file: &Path, key: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<Signed, ToolError> {
    let bytes = fs::read(file).map_err(ToolError::file(file))?;
    let inspection = check_bytes(file, &bytes)?.inspection;
    let secret = secret_key(key, passphrase)?;
    let public = PublicKey::from_secret_key(&secret).map_err(key_error)?;
    let about = &inspection.manifest;
    let comment = format!("{} {} {}", about.id, about.version, inspection.digest);
    let signed = minisign::sign(
        Some(&public),
        &secret,
        bytes.as_slice(),
        Some(&comment),
        Some("signature of a plugin"),
    );
    let signature = file.with_added_extension(SIGNATURE);
    // Another one of the same file is as good; one of another file is out of date.
    fs::remove_file(&signature).or_else(gone).map_err(ToolError::file(&signature))?;
    write_new(&signature, signed.map_err(key_error)?.into_string().as_bytes(), 0o644)?;
    Ok(Signed { signature, comment })
}

/// Verifies the signature beside a file with a public key.
///
/// # Errors
/// The signature is missing, of another key, or of other bytes.
pub fn verify(file: &Path, key: &str) -> Result<String, ToolError> {
    let bytes = fs::read(file).map_err(ToolError::file(file))?;
    let path = file.with_added_extension(SIGNATURE);
    let signature = fs::read_to_string(&path).map_err(ToolError::file(&path))?;
    let key = PublisherKey::parse(key)?;
    verify_signature(&bytes, &signature, std::slice::from_ref(&key))?;
    Ok(key.to_string())
}

fn gone(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ToolError> {
    let opened = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(ToolError::file(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(ToolError::file(path))
}
