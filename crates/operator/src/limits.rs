//! Every limit of the door.

/// The largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// The most characters of the evidence of a ruling, in base64.
pub const EVIDENCE_TEXT_MAX: usize = lifecycle::ruling::EVIDENCE_BYTES_MAX.div_ceil(3) * 4;
/// The most open cases that are looked at to list the oldest of them, and to sum them up.
pub const CASES_MAX: usize = 100_000;
/// The most exchanges that are shown of a case.
pub const EXCHANGES_MAX: usize = 1_000;
/// Rows of a page when the request names no number.
pub const PAGE_ROWS: u64 = 100;
/// The most rows of a page.
pub const PAGE_ROWS_MAX: u64 = 1_000;
/// Rows that are read of the store at a time, where all are read.
pub const READ_ROWS: usize = 1_000;
/// The most lines of an invoice as CSV.
pub const CSV_LINES_MAX: usize = 100_000;
/// The most lines of an invoice as PDF: some five hundred pages.
pub const PDF_LINES_MAX: usize = 20_000;
/// The most characters of a merchant code, as the wire has it.
pub const MERCHANT_CODE_MAX: usize = 50;
/// The most characters of a source's name.
pub const SOURCE_MAX: usize = 40;
/// The most characters of a name.
pub const NAME_MAX: usize = 100;
/// The most characters of an operator's reference.
pub const REFERENCE_MAX: usize = 64;
/// The most characters of an address.
pub const URL_MAX: usize = 512;
/// The most characters of a public key in PEM.
pub const PEM_MAX: usize = 4_096;
/// The most products that a request may name.
pub const PRODUCTS_MAX: usize = 1_000;
/// The most addresses, origins and the like.
pub const LIST_MAX: usize = 32;
/// The most days until an invoice is to be paid.
pub const PAYMENT_DAYS_MAX: u64 = 365;
/// The keys of one kind that are live at once.
pub const KEYS_LIVE_MAX: usize = 2;
/// Characters of a password that is made here.
pub const PASSWORD_LENGTH: usize = 24;
/// Characters of a signature key that is made here.
pub const KEY_LENGTH: usize = 32;
/// The most open bills that the state is summed up over.
pub const OPEN_BILLS_MAX: usize = 100_000;
/// The most unfinished tasks that are counted.
pub const TASKS_MAX: usize = 10_000;
/// The longest settlement file in Base64, in characters: 32 MiB of file.
pub const SETTLEMENT_TEXT_MAX: usize = 44_739_244;
/// The longest mapping of a settlement file, in characters.
pub const MAPPING_MAX: usize = 64 * 1024;
/// The most characters of a file's name.
pub const FILE_NAME_MAX: usize = 200;
/// The largest body of a request that brings a file, in bytes.
pub const FILE_BODY_BYTES_MAX: usize = SETTLEMENT_TEXT_MAX + 2 * MAPPING_MAX;

/// The largest body of a request of this operation, in bytes.
pub fn body_bytes_max(operation: &str) -> usize {
    match operation {
        "reconcile.import" => FILE_BODY_BYTES_MAX,
        "unknown.settle" => EVIDENCE_TEXT_MAX + BODY_BYTES_MAX,
        _ => BODY_BYTES_MAX,
    }
}
