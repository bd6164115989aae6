//! An invoice on paper: A4 landscape, as many pages as its lines need, amounts as Indonesians write them. Set in Helvetica,
//! which every reader has, so that no font travels along. Lengths are tenths of a point throughout, whole numbers; the
//! page itself scales them.

use calendar::Instant;
use lifecycle::invoice::Invoice;
use money::Amount;
use pdf_writer::{Content, Name, Pdf, Rect, Ref, Str};

use super::{Line, is_overdue};

/// What stands at the head besides the invoice itself.
pub struct Head<'h> {
    /// Who issues it.
    pub issuer: &'h str,
    /// The merchant's name.
    pub merchant: &'h str,
    /// When it is printed: whether it is overdue depends on it.
    pub now: Instant,
}

/// The page, in tenths of a point.
const PAGE_WIDTH: i16 = 8420;
const PAGE_HEIGHT: i16 = 5950;
const MARGIN: i16 = 420;
/// The height of a line of the table.
const ROW: i16 = 130;
/// Where the table begins on the first page and on the others, and where it ends on all.
const TABLE_TOP_FIRST: i16 = 4300;
const TABLE_TOP: i16 = 5330;
const TABLE_BOTTOM: i16 = 700;
/// Font sizes.
const TITLE: i16 = 180;
const TEXT: i16 = 90;
const SMALL: i16 = 75;

/// A column: its title, where its text begins or, for money, ends.
struct Column {
    title: &'static str,
    at: i16,
    right: bool,
}

const COLUMNS: [Column; 9] = [
    Column { title: "No", at: 650, right: true },
    Column { title: "Time (WIB)", at: 720, right: false },
    Column { title: "Reference", at: 1560, right: false },
    Column { title: "Product", at: 3100, right: false },
    Column { title: "Customer number", at: 3920, right: false },
    Column { title: "Amount (Rp)", at: 5760, right: true },
    Column { title: "Fee (Rp)", at: 6470, right: true },
    Column { title: "Margin (Rp)", at: 7180, right: true },
    Column { title: "Total (Rp)", at: 8000, right: true },
];

/// Writes an invoice.
pub fn write(invoice: &Invoice, lines: &[Line], head: &Head<'_>) -> Vec<u8> {
    let pages = paginate(lines);
    let mut pdf = Pdf::new();
    let mut refs = (1..).map(Ref::new);
    let mut next = || refs.next().unwrap_or(Ref::new(1));
    let [catalog, tree, regular, bold] = [next(), next(), next(), next()];
    let numbers: Vec<(Ref, Ref)> = pages.iter().map(|_| (next(), next())).collect();
    pdf.catalog(catalog).pages(tree);
    let count = i32::try_from(numbers.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(numbers.iter().map(|(page, _)| *page)).count(count);
    for (font, name) in [(regular, b"Helvetica".as_slice()), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    let mut first_row = 0;
    for (index, ((id, content), rows)) in numbers.iter().zip(&pages).enumerate() {
        let mut sheet = Sheet::new();
        if index == 0 {
            sheet.head(invoice, lines, head);
        } else {
            sheet.text(Font::Bold, TEXT, MARGIN, TABLE_TOP + 250, &format!("Invoice {}", invoice.number));
        }
        let top = if index == 0 { TABLE_TOP_FIRST } else { TABLE_TOP };
        let bottom = sheet.table(rows, first_row, top);
        first_row += rows.len();
        if index + 1 == pages.len() {
            sheet.totals(invoice, lines, bottom);
        }
        sheet.foot(index + 1, pages.len(), &invoice.number);
        pdf.stream(*content, &sheet.finish());
        let mut page = pdf.page(*id);
        page.media_box(Rect::new(0.0, 0.0, 842.0, 595.0)).parent(tree).contents(*content);
        let mut resources = page.resources();
        resources.fonts().pair(Name(b"R"), regular).pair(Name(b"B"), bold);
    }
    pdf.finish()
}

/// Rows below a table's head that fit above the bottom; the totals need some as well, and reach a little below it.
fn paginate(lines: &[Line]) -> Vec<&[Line]> {
    const TOTALS_ROWS: usize = 3;
    let room = |top: i16| usize::try_from((top - TABLE_BOTTOM) / ROW).unwrap_or(1).saturating_sub(1).max(1);
    let (first, other) = (room(TABLE_TOP_FIRST), room(TABLE_TOP));
    let mut pages = vec![];
    let mut rest = lines;
    loop {
        let room = if pages.is_empty() { first } else { other };
        let (page, after) = rest.split_at(rest.len().min(room));
        let totals_fit = page.len() + TOTALS_ROWS <= room;
        pages.push(page);
        if after.is_empty() {
            if !totals_fit {
                pages.push(after);
            }
            return pages;
        }
        rest = after;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Font {
    Regular,
    Bold,
}

/// A page that is being written.
struct Sheet(Content);

impl Sheet {
    fn new() -> Self {
        let mut content = Content::new();
        content.transform([0.1, 0.0, 0.0, 0.1, 0.0, 0.0]);
        Self(content)
    }

    fn finish(self) -> Vec<u8> {
        self.0.finish().to_vec()
    }

    fn text(&mut self, font: Font, size: i16, x: i16, y: i16, text: &str) {
        let name: &[u8] = if font == Font::Bold { b"B" } else { b"R" };
        self.0.begin_text().set_font(Name(name), size.into()).next_line(x.into(), y.into());
        self.0.show(Str(&bytes(text))).end_text();
    }

    /// Text that ends at `x`.
    fn text_to(&mut self, font: Font, size: i16, x: i16, y: i16, text: &str) {
        self.text(font, size, x - width(font, text, size), y, text);
    }

    fn rule(&mut self, y: i16) {
        self.0.set_line_width(5.0).move_to(MARGIN.into(), y.into()).line_to((PAGE_WIDTH - MARGIN).into(), y.into());
        self.0.stroke();
    }

    fn head(&mut self, invoice: &Invoice, lines: &[Line], head: &Head<'_>) {
        let top = PAGE_HEIGHT - MARGIN;
        self.text(Font::Bold, TITLE, MARGIN, top - TITLE, "Invoice");
        self.text_to(Font::Bold, TITLE, PAGE_WIDTH - MARGIN, top - TITLE, head.issuer);
        let day = |at: Instant| at.jakarta_text().chars().take(10).collect::<String>();
        let from = lines.first().map_or_else(|| day(invoice.issued_at), |line| day(line.at));
        let status = match (invoice.state_name(), is_overdue(invoice, head.now)) {
            (_, true) => "Overdue",
            ("paid", _) => "Paid",
            ("part_paid", _) => "Paid in part",
            _ => "Unpaid",
        };
        let merchant = match head.merchant {
            "" => invoice.merchant.to_string(),
            name => format!("{name} ({})", invoice.merchant),
        };
        let left = [
            ("Number", invoice.number.clone()),
            ("Billed to", merchant),
            ("Period", format!("{from} to {}", day(invoice.period_end.plus_seconds(-1)))),
            ("Issued", day(invoice.issued_at)),
        ];
        let right = [
            ("Due", day(invoice.due_at)),
            ("Total", invoice.total.display_text()),
            ("To be paid", invoice.outstanding().display_text()),
            ("Status", status.to_owned()),
        ];
        for (x, rows) in [(MARGIN, left), (5000, right)] {
            let mut y = top - 560;
            for (title, value) in rows {
                self.text(Font::Regular, TEXT, x, y, title);
                self.text(Font::Bold, TEXT, x + 700, y, &value);
                y -= 150;
            }
        }
    }

    /// Writes rows below `top` and gives where they end.
    fn table(&mut self, rows: &[Line], first_row: usize, top: i16) -> i16 {
        for column in &COLUMNS {
            self.cell(Font::Bold, column, top, column.title);
        }
        self.rule(top - 45);
        let mut y = top;
        for (index, line) in rows.iter().enumerate() {
            y -= ROW;
            let money = [line.amount, line.fee, line.margin, line.total()].map(rupiah);
            let number = (first_row + index + 1).to_string();
            let time = line.at.jakarta_text();
            let texts = [&number, &time, &line.ref_id, &line.product, &line.order_id];
            for (column, text) in COLUMNS.iter().zip(texts.into_iter().chain(&money)) {
                self.cell(Font::Regular, column, y, text);
            }
        }
        y
    }

    fn cell(&mut self, font: Font, column: &Column, y: i16, text: &str) {
        if column.right {
            self.text_to(font, SMALL, column.at, y, text);
        } else {
            self.text(font, SMALL, column.at, y, text);
        }
    }

    fn totals(&mut self, invoice: &Invoice, lines: &[Line], table_bottom: i16) {
        let mut y = table_bottom - ROW;
        self.rule(y + ROW / 2 + 20);
        let sum = |part: fn(&Line) -> i64| rupiah(lines.iter().map(part).sum());
        let sums = [sum(|line| line.amount), sum(|line| line.fee), sum(|line| line.margin), sum(Line::total)];
        self.text(Font::Bold, SMALL, COLUMNS[4].at, y, "Sum");
        for (column, text) in COLUMNS[5..].iter().zip(&sums) {
            self.cell(Font::Bold, column, y, text);
        }
        let paid = invoice.total.checked_sub(invoice.outstanding()).unwrap_or(Amount::ZERO);
        let rows = [("Total", invoice.total), ("Paid", paid), ("To be paid", invoice.outstanding())];
        y -= ROW / 2;
        for (title, amount) in rows {
            y -= ROW;
            self.text(Font::Bold, TEXT, COLUMNS[6].at, y, title);
            self.text_to(Font::Bold, TEXT, COLUMNS[8].at, y, &amount.display_text());
        }
    }

    fn foot(&mut self, page: usize, of: usize, number: &str) {
        self.text(Font::Regular, SMALL, MARGIN, MARGIN - 100, number);
        self.text_to(Font::Regular, SMALL, PAGE_WIDTH - MARGIN, MARGIN - 100, &format!("Page {page} of {of}"));
    }
}

/// Sen as Indonesians write rupiah in a column: `-150.000,50`.
fn rupiah(sen: i64) -> String {
    let sign = if sen < 0 { "-" } else { "" };
    let amount = Amount::from_sen(sen.saturating_abs()).unwrap_or(Amount::ZERO);
    format!("{sign}{}", amount.display_text().trim_start_matches("Rp "))
}

/// The text in the font's encoding, which is Latin 1 for the letters that it shares with it.
fn bytes(text: &str) -> Vec<u8> {
    let byte = |letter: char| match u8::try_from(u32::from(letter)) {
        Ok(byte) if !(0x7f..0xa0).contains(&byte) && byte >= 0x20 => byte,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// How wide a text is.
fn width(font: Font, text: &str, size: i16) -> i16 {
    let widths = if font == Font::Bold { &BOLD_WIDTHS } else { &WIDTHS };
    let of = |byte: &u8| {
        let index = usize::from(*byte).checked_sub(0x20);
        index.and_then(|index| widths.get(index)).copied().unwrap_or(USUAL_WIDTH)
    };
    let thousandths: i32 = bytes(text).iter().map(|byte| i32::from(of(byte))).sum();
    i16::try_from(thousandths * i32::from(size) / 1000).unwrap_or(i16::MAX)
}

/// The width of a letter beyond ASCII, near enough.
const USUAL_WIDTH: u16 = 556;

/// Widths of the printable ASCII characters in Helvetica, in thousandths of its size, as its metrics say.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// The same in Helvetica-Bold.
const BOLD_WIDTHS: [u16; 95] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584,
];
