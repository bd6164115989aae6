//! Settlement files: every declared format reads what it writes, every imitation writes what its books say, and no
//! bytes break a reader.

use calendar::{Instant, JakartaDay};
use lifecycle::reconciliation::{LINES_MAX, SettlementLine, SettlementRule, SubjectKind, TEXT_MAX, Tally};
use money::Amount;
use proptest::prelude::*;

use crate::{
    CONNECTORS,
    imitation::{
        BookedCharge, BookedOrder, BookedRefund, Books,
        settlement::{FEE_BASIS_POINTS, Trick, answer, lines},
    },
    settlement::{COLUMNS_MAX, FILE_BYTES_MAX, Format, MAPPING_BYTES_MAX, parse_mapped, parse_settlement},
};

const DAY: JakartaDay = JakartaDay::from_number(20_261_121);

fn at(time: &str) -> Instant {
    Instant::parse(&format!("2026-11-{time}+07:00")).unwrap()
}

const MAPPING: &str = r#"
delimiter = ";"
preamble_rows = 1
decimals = "comma"
times = "day_first"
negative = "refund"
settled = ["BERHASIL"]

[columns]
reference = "Berita"
provider_reference = "No"
amount = "Nominal"
fee = "Biaya"
at = "Tanggal"
status = "Status"
"#;

fn mapped(rows: &str) -> Result<Vec<SettlementLine>, String> {
    let text = format!("PT Bank;;;;;\nTanggal;No;Berita;Nominal;Biaya;Status\n{rows}");
    parse_mapped(MAPPING, text.as_bytes()).map_err(|fault| fault.to_string())
}

#[test]
fn a_banks_file_is_read_by_its_mapping() {
    let read = mapped(
        "21/11/2026 14:25:00;B1;pay_1;150.000,00;1.500,00;Berhasil\n\n21-11-2026;B2;;-20.000,00;;GAGAL\n\
         21/11/2026;B3;\"pay;3\";25000;;BERHASIL\n",
    );
    let line = |row, kind, own: Option<&str>, theirs: &str, rupiah, fee, time: &str, settled| SettlementLine {
        row,
        kind,
        reference: own.map(str::to_owned),
        provider_reference: Some(theirs.into()),
        amount: Amount::rupiah(rupiah),
        fee: Amount::rupiah(fee),
        at: at(time),
        settled,
    };
    let expected = [
        line(3, SubjectKind::Payment, Some("pay_1"), "B1", 150_000, 1_500, "21T14:25:00", true),
        line(5, SubjectKind::Refund, None, "B2", 20_000, 0, "21T00:00:00", false),
        line(6, SubjectKind::Payment, Some("pay;3"), "B3", 25_000, 0, "21T00:00:00", true),
    ];
    assert_eq!(read.unwrap(), expected);
}

#[track_caller]
fn refused(rows: &str, expected: &str) {
    assert_eq!(mapped(rows).unwrap_err(), expected, "{rows}");
}

#[test]
fn what_does_not_read_is_named_by_row_and_column() {
    let amount = "row 3, column Nominal: it is not an amount of rupiah as the format writes it";
    for said in ["1,5", "secret", "", "150.00,00", "99999999999999999999,00", "--1,00"] {
        refused(&format!("21/11/2026;B1;pay_1;{said};;BERHASIL"), amount);
    }
    refused(
        "21/11/2026;B1;pay_1;1,00;abc;BERHASIL",
        "row 3, column Biaya: it is not an amount of rupiah as the format writes it",
    );
    let time = "row 3, column Tanggal: it is not a time as the format writes it, of the years 2000 to 2199";
    for said in ["2026-11-21", "31/02/2026", "21/11/1999", "21/11/2026 25:00:00", "", "21/11/2026/1", "1/2"] {
        refused(&format!("{said};B1;pay_1;1,00;;BERHASIL"), time);
    }
    let long = "x".repeat(TEXT_MAX + 1);
    refused(
        &format!("21/11/2026;B1;{long};1,00;;BERHASIL"),
        &format!("row 3, column Berita: a reference has at most {TEXT_MAX} bytes"),
    );
    refused("21/11/2026;B\u{1}1;x;1,00;;BERHASIL", "row 3, column No: a reference has no control characters");
    let wide = ";".repeat(COLUMNS_MAX + 1);
    refused(&wide, &format!("row 3: a row has at most {COLUMNS_MAX} columns"));
    let fault = |bytes: &[u8]| parse_settlement("gopay", bytes).unwrap_err().to_string();
    assert_eq!(fault(b""), "there is no row that names the columns");
    assert_eq!(fault(b"a,b\n"), "row 1, column order_id: there is no such column");
    assert_eq!(fault(b"order_id,order_id,x\n"), "row 1, column order_id: there are two such columns");
    assert_eq!(fault(b"\xff\xfe\n"), "row 1: it is not text of columns (UTF-8)");
    assert_eq!(fault(&vec![b' '; FILE_BYTES_MAX + 1]), format!("a settlement file has at most {FILE_BYTES_MAX} bytes"));
    let header = "transaction_time,gross_amount,order_id,transaction_id,transaction_type,fee,transaction_status\n";
    let row = |kind: &str, amount: &str| format!("{header}2026-11-21 10:00:00,{amount},pay_1,T1,{kind},0,settlement\n");
    assert_eq!(
        fault(row("gift", "1.00").as_bytes()),
        "row 2, column transaction_type: the format does not say what this word means"
    );
    assert_eq!(fault(row("payment", "-1.00").as_bytes()), "row 2, column gross_amount: it is negative");
    let many = header.to_owned() + &"2026-11-21 10:00:00,1.00,a,b,payment,0,settlement\n".repeat(LINES_MAX + 1);
    let expected = format!("row {}: a settlement file has at most {LINES_MAX} lines", LINES_MAX + 2);
    assert_eq!(fault(many.as_bytes()), expected);
    assert_eq!(parse_settlement("nobody", b"").unwrap_err().to_string(), "there is no such connector");
}

#[test]
fn a_mapping_says_what_is_wrong_with_it() {
    let check = |mapping: &str, expected: &str| {
        let told = Format::from_mapping(mapping).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    };
    check("", "missing field");
    check("nonsense = 1", "unknown field");
    check(&MAPPING.replace("\";\"", "\"::\""), "delimiter is");
    check(&MAPPING.replace("preamble_rows = 1", "preamble_rows = 101"), "preamble_rows is at most 100");
    check(&MAPPING.replace("\"refund\"", "\"gift\""), "a kind is payment, refund, bill or fee");
    check(&MAPPING.replace("settled = [\"BERHASIL\"]", ""), "columns.status and settled belong together");
    check(&MAPPING.replace("[columns]", "[columns]\nkind = \"Jenis\""), "columns.kind and kinds belong together");
    check(&"#".repeat(MAPPING_BYTES_MAX + 1), "a mapping has at most");
    assert!(Format::from_mapping(MAPPING).is_ok());
}

fn books() -> Books {
    let charge = |number: u32, charged, time: &str| BookedCharge {
        reference: format!("pay_{number}"),
        provider_reference: format!("W{number}"),
        amount: Amount::rupiah(number * 10_000),
        charged,
        at: at(time),
        requests: 1,
    };
    let refund = |number: u32, done| BookedRefund {
        reference: format!("ref_{number}"),
        provider_reference: format!("R{number}"),
        charge: "pay_1".into(),
        cancels: false,
        amount: Amount::rupiah(1_000),
        done,
        at: at("21T11:00:00"),
        requests: 1,
    };
    let order = |number: u32, delivered| BookedOrder {
        reference: format!("A{number}"),
        provider_reference: format!("S{number}"),
        sku: "pln".into(),
        order_id: "1".into(),
        amount: Amount::rupiah(50_000),
        cost: Amount::rupiah(49_000),
        delivered,
        at: at("21T12:00:00"),
        requests: 1,
    };
    Books {
        charges: vec![
            charge(1, true, "21T10:00:00"),
            charge(2, true, "21T23:59:59"),
            charge(3, false, "21T10:00:00"),
            charge(4, true, "22T00:00:00"),
        ],
        refunds: vec![refund(1, true), refund(2, false)],
        orders: vec![order(1, true), order(2, false)],
        ..Books::default()
    }
}

/// The references of a day's lines.
fn file(tricks: &[Trick]) -> Vec<SettlementLine> {
    lines(&books(), &SettlementRule::NEXT_DAY, DAY, tricks)
}

fn references(lines: &[SettlementLine]) -> Vec<&str> {
    lines.iter().filter_map(|line| line.reference.as_deref()).collect()
}

#[test]
fn a_file_holds_what_moved_on_its_day() {
    let good = file(&[]);
    assert_eq!(references(&good), ["pay_1", "ref_1", "A1", "pay_2"]);
    assert_eq!(good.iter().map(|line| line.row).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let total = Tally::of(&good);
    assert_eq!(total.amount_sen, 100 * (10_000 + 1_000 + 49_000 + 20_000));
    assert_eq!(total.fee_sen, 100 * 30_000 * i64::from(FEE_BASIS_POINTS) / 10_000);
}

#[test]
fn every_trick_does_one_thing() {
    let named = |trick: fn(String) -> Trick| [trick("pay_1".into())];
    assert_eq!(references(&file(&named(Trick::Missing))), ["ref_1", "A1", "pay_2"]);
    assert_eq!(references(&file(&named(Trick::Double))), ["pay_1", "pay_1", "ref_1", "A1", "pay_2"]);
    assert_eq!(references(&file(&[Trick::Extra(Amount::rupiah(7))])), ["pay_1", "ref_1", "A1", "pay_2", "EXTRA1"]);
    assert_eq!(file(&named(Trick::Amount))[0].amount, Amount::rupiah(9_999));
    assert_eq!(file(&named(Trick::Fee))[0].fee, Amount::rupiah(151));
    let shifted = file(&named(Trick::Shift));
    assert_eq!(shifted[0].at, at("22T10:00:00"));
    let next = lines(&books(), &SettlementRule::NEXT_DAY, JakartaDay::from_number(20_261_122), &named(Trick::Shift));
    assert_eq!(references(&next), ["pay_1", "pay_4"]);
}

#[test]
fn every_declared_format_reads_what_its_imitation_writes() {
    let mut declared = 0;
    for connector in CONNECTORS.iter().filter(|connector| connector.settlement().is_some()) {
        let query = [("date".to_owned(), "2026-11-21".to_owned()), ("double".to_owned(), "pay_2".to_owned())];
        // A wallet has no bills, and a biller no payments.
        let known = connector.settlement().map(|settlement| &settlement.format).unwrap();
        let words = |kind: SubjectKind| known.kind == kind || known.kinds.iter().any(|(_, known)| *known == kind);
        let mut books = books();
        if !words(SubjectKind::Payment) {
            books.charges.clear();
            books.refunds.clear();
        }
        if !words(SubjectKind::Bill) {
            books.orders.clear();
        }
        let written = answer(*connector, &books, &query);
        assert_eq!(written.status, 200);
        let name = connector.descriptor().name;
        let read = parse_settlement(name, &written.body).unwrap();
        let tricks = [Trick::Double("pay_2".into())];
        let expected = lines(&books, &connector.settlement().unwrap().rule, DAY, &tricks);
        let expected: Vec<_> = expected.into_iter().map(|line| SettlementLine { row: line.row + 1, ..line }).collect();
        assert_eq!(read, expected, "{name}");
        assert!(!read.is_empty());
        assert_eq!(answer(*connector, &books, &[]).status, 400);
        declared += 1;
    }
    assert_eq!(declared, CONNECTORS.len());
}

proptest! {
    #[test]
    fn no_bytes_break_a_reader(bytes: Vec<u8>, text: String, mapping: String) {
        for connector in CONNECTORS {
            let name = connector.descriptor().name;
            let _ = parse_settlement(name, &bytes);
            if let Some(settlement) = connector.settlement() {
                let named = settlement.format.write(&[]) + &text;
                let _ = parse_settlement(name, named.as_bytes());
            }
        }
        let _ = parse_mapped(&mapping, &bytes);
    }

    #[test]
    fn what_is_written_reads_back(
        reference in "[ -~]{0,40}", theirs in "[ -~]{1,40}", rupiah: u32, fee: u16, seconds in 0i64..86_400, refund: bool,
    ) {
        let line = SettlementLine {
            row: 2,
            kind: if refund { SubjectKind::Refund } else { SubjectKind::Payment },
            reference: Some(reference.trim().to_owned()).filter(|text| !text.is_empty()),
            provider_reference: Some(theirs.trim().to_owned()).filter(|text| !text.is_empty()),
            amount: Amount::rupiah(rupiah),
            fee: Amount::rupiah(fee.into()),
            at: at("21T00:00:00").plus_seconds(seconds),
            settled: true,
        };
        for connector in CONNECTORS {
            let Some(settlement) = connector.settlement() else { continue };
            if settlement.format.kinds.iter().any(|(_, kind)| *kind == line.kind) {
                let text = settlement.format.write(std::slice::from_ref(&line));
                let read = parse_settlement(connector.descriptor().name, text.as_bytes()).unwrap();
                prop_assert_eq!(&read, std::slice::from_ref(&line));
            }
        }
    }
}
