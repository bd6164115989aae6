//! TLS to the server: rustls over aws-lc-rs; the certificate is verified wherever TLS is spoken.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// Whoever is trusted to sign the server's certificate; read only where TLS may be spoken.
pub(super) fn connector(mode: SslMode, root_certificates: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let refuse = |why: String| StoreError::Open(why.into());
    let mut roots = RootCertStore::empty();
    if mode != SslMode::Disable {
        match root_certificates {
            Some(path) => {
                let certificates = CertificateDer::pem_file_iter(path)
                    .map_err(|error| refuse(format!("read the certificates in {}: {error}", path.display())))?;
                for certificate in certificates {
                    certificate
                        .map_err(|error| error.to_string())
                        .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()))
                        .map_err(|error| refuse(format!("a certificate in {}: {error}", path.display())))?;
                }
                if roots.is_empty() {
                    return Err(refuse(format!("there is no certificate in {}", path.display())));
                }
            }
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Open(Box::new(error)))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
