//! Why: the schema only moves forward. Each engine has a folder of numbered files, embedded; the checksum of each is
//! kept beside the data, so that a gateway never runs on a schema that it does not know, whether newer or changed by
//! hand. What is to be done is decided here for both engines; doing it is theirs.

use aws_lc_rs::digest::{SHA256, digest};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// Its number and name, as the file's.
    pub(crate) name: &'static str,
    /// Its statements.
    pub(crate) text: &'static str,
}

/// Why the schema was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was migrated by a newer gateway.
    #[error("the database is at schema {found}, this gateway knows up to {known}: run the newer gateway")]
    Newer {
        /// The database's version.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// A step that was run is not the step that this gateway has.
    #[error("schema step {0} was changed after it was run on this database")]
    Changed(&'static str),
    /// The record of steps has gaps.
    #[error("the database's record of schema steps has a gap before step {0}")]
    Gap(i64),
    /// The database refused a step.
    #[error("run schema step {name}")]
    Run {
        /// The step.
        name: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Migration {
    /// What is kept of its text beside the data.
    pub(crate) fn checksum(&self) -> Vec<u8> {
        digest(&SHA256, self.text.as_bytes()).as_ref().to_vec()
    }
}

/// The steps that a database misses, each with its version, given the versions and checksums of those that it has.
pub(crate) fn missing(
    done: &[(i64, Vec<u8>)],
    migrations: &[Migration],
) -> Result<Vec<(i64, Migration)>, MigrationError> {
    if done.len() > migrations.len() {
        return Err(MigrationError::Newer { found: done.len(), known: migrations.len() });
    }
    for ((version, migration), (found, kept)) in (1i64..).zip(migrations).zip(done) {
        if *found != version {
            return Err(MigrationError::Gap(*found));
        }
        if *kept != migration.checksum() {
            return Err(MigrationError::Changed(migration.name));
        }
    }
    Ok((1i64..).zip(migrations.iter().copied()).skip(done.len()).collect())
}

/// Compares a list of steps with the files of their folder.
#[cfg(test)]
pub(crate) fn check_folder(folder: &str, migrations: &[Migration]) {
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let listed: Vec<String> = (1..)
        .zip(migrations)
        .map(|(version, migration)| {
            assert!(migration.name.starts_with(&format!("{version:04}_")));
            format!("{}.sql", migration.name)
        })
        .collect();
    assert_eq!(files, listed);
}
