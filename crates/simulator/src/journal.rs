//! What happened, one JSON line each, appended before the answer leaves: a process that dies between two lines has
//! lost nothing that anybody was told. Not flushed to the disk: it survives the process, which is what a sandbox needs.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::PathBuf,
};

use serde::{Serialize, de::DeserializeOwned};

use crate::SimulatorError;

/// An open journal.
pub struct Journal {
    file: File,
    path: PathBuf,
    lines: usize,
}

impl Journal {
    /// Opens a journal and gives what is in it. A last line that was cut short is dropped.
    pub fn open<T: DeserializeOwned>(path: PathBuf) -> Result<(Self, Vec<T>), SimulatorError> {
        let fault = |attempt| {
            let file = path.display().to_string();
            move |source| SimulatorError::File { attempt, file, source }
        };
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(fault("open"))?;
        let mut events = vec![];
        let mut whole: u64 = 0;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(fault("read"))? > 0 {
            if line.last() != Some(&b'\n') {
                break;
            }
            let event = serde_json::from_slice(&line)
                .map_err(|error| SimulatorError::Broken { file: path.display().to_string(), why: error.to_string() })?;
            events.push(event);
            whole += line.len() as u64;
            line.clear();
        }
        file.set_len(whole).map_err(fault("repair"))?;
        Ok((Self { file, path, lines: events.len() }, events))
    }

    /// Appends one event.
    pub fn append(&mut self, event: &impl Serialize) -> Result<(), SimulatorError> {
        let mut line = serde_json::to_vec(event).unwrap_or_default();
        line.push(b'\n');
        self.lines += 1;
        self.file.write_all(&line).map_err(|source| self.fault("write", source))
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.lines
    }

    /// Begins anew, after what it held was kept elsewhere.
    pub fn clear(&mut self) -> Result<(), SimulatorError> {
        self.lines = 0;
        self.file.set_len(0).map_err(|source| self.fault("clear", source))
    }

    fn fault(&self, attempt: &'static str, source: std::io::Error) -> SimulatorError {
        SimulatorError::File { attempt, file: self.path.display().to_string(), source }
    }
}

/// Writes a file so that it is either the old or the new one, never half.
pub fn replace_file(path: &std::path::Path, text: &[u8]) -> Result<(), SimulatorError> {
    let fault = |source| SimulatorError::File { attempt: "write", file: path.display().to_string(), source };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    std::fs::write(&fresh, text).map_err(fault)?;
    std::fs::rename(&fresh, path).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_short_is_dropped_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        let (mut journal, before) = Journal::open::<u32>(path.clone()).expect("opens");
        assert!(before.is_empty());
        journal.append(&1).expect("writes");
        journal.append(&22).expect("writes");
        let cut = OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(b"333"));
        cut.expect("writes");
        let (mut journal, events) = Journal::open::<u32>(path.clone()).expect("opens");
        assert_eq!(events, [1, 22]);
        journal.append(&4).expect("writes");
        assert_eq!(Journal::open::<u32>(path.clone()).expect("opens").1, [1, 22, 4]);
        std::fs::write(&path, "no\n").expect("writes");
        assert!(matches!(Journal::open::<u32>(path), Err(SimulatorError::Broken { .. })));
    }
}
