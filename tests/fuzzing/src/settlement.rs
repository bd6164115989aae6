//! Settlement files: a stranger's table becomes lines, or a fault that names a row; what we would write reads back.

use connectors::{
    CONNECTORS,
    settlement::{Format, SettlementFault, parse_mapped, parse_settlement},
};
use lifecycle::reconciliation::{SettlementLine, TEXT_MAX};

/// From this choice on the input is a mapping, a separator and a file.
const MAPPED_FROM: u8 = 0xc0;
/// Between a mapping and its file.
const SEPARATOR: u8 = 0x1e;
/// The longest reason, in characters: it quotes nothing of the file.
const WHY_LENGTH_MAX: usize = 400;

/// The first byte chooses whose file it is. Reading is total and always the same; lines are in the order of their rows
/// and hold no more than they may; what was read is written and read back as the same.
pub fn check(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    if *choice >= MAPPED_FROM {
        return check_mapped(bytes);
    }
    let connector = CONNECTORS[usize::from(*choice) % CONNECTORS.len()];
    let name = connector.descriptor().name;
    let read = parse_settlement(name, bytes);
    assert_eq!(read, parse_settlement(name, bytes), "{name}: two readings of one file");
    match (read, connector.settlement()) {
        (Ok(lines), Some(settlement)) => check_lines(&settlement.format, &lines),
        (Ok(_), None) => panic!("{name}: lines of a file that nobody declared"),
        (Err(fault), _) => check_fault(&fault),
    }
}

fn check_mapped(bytes: &[u8]) {
    let place = bytes.iter().position(|byte| *byte == SEPARATOR).unwrap_or(bytes.len());
    let (mapping, file) = bytes.split_at(place);
    let Ok(mapping) = std::str::from_utf8(mapping) else { return };
    let file = file.get(1..).unwrap_or_default();
    match (Format::from_mapping(mapping), parse_mapped(mapping, file)) {
        (Ok(format), read) => {
            assert_eq!(read, format.parse(file));
            match read {
                Ok(lines) => check_each(&lines),
                Err(fault) => check_fault(&fault),
            }
        }
        (Err(fault), read) => {
            assert_eq!(read, Err(fault.clone()), "a file was read without its mapping");
            check_fault(&fault);
        }
    }
}

fn check_fault(fault: &SettlementFault) {
    let told = fault.to_string();
    assert!(!told.is_empty() && fault.why.chars().count() <= WHY_LENGTH_MAX, "{told:?}");
    assert!(fault.row != Some(0), "rows are counted from 1: {told}");
}

fn check_each(lines: &[SettlementLine]) {
    for line in lines {
        for text in [&line.reference, &line.provider_reference].into_iter().flatten() {
            assert!(!text.is_empty() && text.len() <= TEXT_MAX * 4, "{text:?}");
        }
    }
    assert!(lines.windows(2).all(|pair| pair[0].row < pair[1].row), "rows out of order");
    assert!(lines.first().is_none_or(|line| line.row > 0));
}

/// Declared formats write every fact of their own lines.
fn check_lines(format: &Format, lines: &[SettlementLine]) {
    check_each(lines);
    let written = format.write(lines);
    let again = format.parse(written.as_bytes());
    let again = again.unwrap_or_else(|fault| panic!("what we write is not read: {fault}\n{written}"));
    assert_eq!(again.len(), lines.len(), "{written}");
    for (one, other) in lines.iter().zip(&again) {
        let said = |line: &SettlementLine| {
            // Files know no part of a second.
            let at = line.at.unix_seconds();
            (line.reference.clone(), line.provider_reference.clone(), line.amount, line.fee, at, line.settled)
        };
        assert_eq!(said(one), said(other), "{written}");
        assert!(one.kind == other.kind || format.negative.is_some(), "{written}");
    }
}
