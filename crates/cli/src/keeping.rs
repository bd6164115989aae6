//! Where a gateway's memory is, by URL. A URL may hold a password: it is never printed whole, and the command line's
//! own parser never sees a reason to quote it.

use std::{path::Path, sync::Arc};

use store::{Damaged, PostgresOptions, Store, StoreError, Vault};

use crate::output::{advised, advised_because};

/// A store's URL: `sqlite:PATH` or `postgres://...`.
#[derive(Clone)]
pub struct StoreUrl(String);

/// The option that names the store.
#[derive(clap::Args)]
pub struct StoreArgs {
    /// The gateway's store: sqlite:PATH or postgres://USER@HOST/DATABASE; the SQLite file in the data folder when left
    /// out
    #[arg(long, value_name = "URL", env = "GERBANG_STORE", hide_env_values = true)]
    store: Option<StoreUrl>,
}

impl StoreArgs {
    /// The store that is named, or the file at this path.
    pub fn or_file(self, path: &Path) -> StoreUrl {
        self.store.unwrap_or_else(|| StoreUrl::of_file(path))
    }
}

impl From<&str> for StoreUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for StoreUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl StoreUrl {
    /// The SQLite file at this path.
    pub fn of_file(path: &Path) -> Self {
        Self(format!("sqlite:{}", path.display()))
    }

    /// The whole text, for the store alone.
    pub fn whole(&self) -> &str {
        &self.0
    }

    /// The path, where it is an SQLite file.
    pub fn file(&self) -> Option<&Path> {
        let path = self.0.strip_prefix("sqlite:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    /// For people: without password and options.
    pub fn shown(&self) -> String {
        if self.file().is_some() {
            return self.0.clone();
        }
        let Some((scheme, rest)) = self.0.split_once("://").filter(|(scheme, _)| scheme.starts_with("postgres")) else {
            return "the store".into();
        };
        let rest = rest.split('?').next().unwrap_or_default();
        let (authority, database) = rest.rsplit_once('/').unwrap_or((rest, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let user = user.split(':').next().unwrap_or_default();
        let at = if user.is_empty() { "" } else { "@" };
        format!("{scheme}://{user}{at}{host}/{database}")
    }

    /// Opens it and brings its schema up to date.
    ///
    /// # Errors
    /// With advice.
    pub fn open(&self, options: &PostgresOptions, vault: Vault) -> anyhow::Result<Arc<dyn Store>> {
        store::open(self.whole(), options, vault).map_err(|error| self.explain(error))
    }

    /// What the store said, with advice.
    pub fn explain(&self, error: StoreError) -> anyhow::Error {
        let shown = self.shown();
        match error {
            StoreError::Open(source) if source.is::<Damaged>() => advised(
                format!("{shown} is damaged: {source}"),
                "keep the file aside and put the last backup in its place: docs/guides/recover.md",
            ),
            StoreError::InUse => advised(
                format!("another gateway is using {shown}"),
                "stop it first, or choose another folder with --data-dir or another store with --store",
            ),
            other => advised_because(other, format!("{shown} does not open"), self.advice()),
        }
    }

    fn advice(&self) -> &'static str {
        match (self.file(), self.0.starts_with("postgres")) {
            (Some(_), _) => "the folder must exist, and the key must be the one that the file was begun with",
            (None, true) => {
                "the server must run, the database must exist (`createdb`), and the key must be the one that the \
                 database was begun with: name the sandbox's folder with --data-dir, or an empty database"
            }
            (None, false) => "write it like sqlite:gateway.db or postgres://user@host/database",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_holds_no_password() {
        for (url, shown) in [
            ("sqlite:a/b.db", "sqlite:a/b.db"),
            ("postgres://u:se:c@ret@h:5432/d?password=secret", "postgres://u@h:5432/d"),
            ("postgresql://h/d", "postgresql://h/d"),
            ("postgres://%2Frun%2Fpostgresql/d", "postgres://%2Frun%2Fpostgresql/d"),
            ("mysql://u:secret@h/d", "the store"),
            ("secret", "the store"),
        ] {
            assert_eq!(StoreUrl::from(url).shown(), shown);
        }
    }

    #[test]
    fn what_does_not_open_is_explained_without_its_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = StoreUrl::of_file(&folder.path().join("missing/gateway.db"));
        for url in [missing, "mysql://u:secret@h/d".into(), "postgres://u:secret@127.0.0.1:1/d".into()] {
            let vault = Vault::new([1; 32], Box::new(|_| Ok(())));
            let error = url.open(&PostgresOptions::default(), vault).map(drop).expect_err("it does not open");
            assert!(!format!("{error:#} {error:?}").contains("secret"), "{error:?}");
        }
    }
}
