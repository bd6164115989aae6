//! A store that is gone when it is let go: for a simulation, which needs a new one for every run and is to have it
//! quickly. The same statements over the same schema; only what makes a file durable is left out.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{Inner, SqliteStore, check_vault, checkpoint, connect::Database, migrations};
use crate::{StoreError, Vault};

/// Numbers the databases of this process.
static NUMBER: AtomicU64 = AtomicU64::new(0);

impl SqliteStore {
    /// An empty store in memory.
    ///
    /// # Errors
    /// [`StoreError::Open`].
    pub fn in_memory(vault: Vault) -> Result<Self, StoreError> {
        let database = new_name();
        let mut first = database.side()?;
        migrations::migrate(&mut first)?;
        Self::over(database, first, vault)
    }

    /// A copy in memory of what this store holds now; `vault` has the same key. Nobody may be writing.
    ///
    /// # Errors
    /// [`StoreError::Open`].
    pub fn copy_in_memory(&self, vault: Vault) -> Result<Self, StoreError> {
        let failed = |error| StoreError::Open(Box::new(error));
        let database = new_name();
        let mut to = database.side()?;
        {
            let from = self.inner.side();
            let backup = Backup::new(&from, &mut to).map_err(failed)?;
            if backup.step(-1).map_err(failed)? != StepResult::Done {
                return Err(StoreError::Open("somebody is writing into the store that is copied".into()));
            }
        }
        Self::over(database, to, vault)
    }

    /// The store of a database that lives while this connection does.
    fn over(database: Database, side: Connection, vault: Vault) -> Result<Self, StoreError> {
        check_vault(&side, &vault)?;
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                vault,
                has_writer: AtomicBool::new(false),
                checkpoints: Arc::new(checkpoint::Shared::default()),
                checkpointer: None,
                side: Mutex::new(side),
                turn: Mutex::new(()),
                _lock: None,
            }),
        })
    }
}

/// A name that no other database of this process has; the slash makes it one that connections share.
fn new_name() -> Database {
    let name = format!("/gerbang-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    Database::Memory { name, idle: Mutex::default() }
}

#[cfg(test)]
mod tests {
    use calendar::Instant;

    use super::*;
    use crate::{ProviderNotice, Store, Writes};

    fn vault() -> Vault {
        Vault::new([1; 32], Box::new(|_| Ok(())))
    }

    fn keep(store: &SqliteStore, raw: u8) {
        let event = ([0; 8], [raw; 32]);
        let notice =
            ProviderNotice { connector: "wallet", event, received_at: Instant::from_micros(1), raw: vec![raw] };
        let mut writer = store.writer().unwrap();
        writer.begin(&[]).unwrap();
        writer.commit(&Writes { provider_notices: vec![notice], ..Writes::default() }).unwrap();
    }

    fn count(store: &SqliteStore) -> i64 {
        store.inner.side().query_row("SELECT count(*) FROM provider_notices", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        let one = SqliteStore::in_memory(vault()).unwrap();
        keep(&one, 1);
        let other = one.copy_in_memory(vault()).unwrap();
        keep(&other, 2);
        assert_eq!((count(&one), count(&other)), (1, 2));
        assert!(other.reader().unwrap().merchants().unwrap().is_empty());
        let wrong = one.copy_in_memory(Vault::new([2; 32], Box::new(|_| Ok(()))));
        assert!(matches!(wrong, Err(StoreError::Open(_))), "another vault's key");
    }
}
