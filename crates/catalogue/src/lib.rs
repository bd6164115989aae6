//! Every biller product there is, as data: one file per category under `products/`, an entry per product, and an
//! operator's file that adds to them or replaces them. Beside the products stands the calendar of maintenance; both say
//! when a product is closed, and until when.
//!
//! Adding a product is adding an entry; `docs/guides/add-a-biller-product.md` is the way.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use calendar::Instant;
use lifecycle::biller::{BillerProduct, Category, Maintenance, Window};

mod entry;
mod error;
mod file;
pub mod limits;
mod reference;
#[cfg(test)]
mod tests;

pub use error::CatalogueError;
pub use reference::products_page;

use crate::limits::{MAINTENANCE_MAX, PRODUCTS_MAX};

/// The files that come with the program.
const FILES: [(Category, &str); 13] = [
    (Category::PlnPrepaid, include_str!("../products/pln_prepaid.toml")),
    (Category::PlnPostpaid, include_str!("../products/pln_postpaid.toml")),
    (Category::PlnNonTaglis, include_str!("../products/pln_non_taglis.toml")),
    (Category::BpjsKesehatan, include_str!("../products/bpjs_kesehatan.toml")),
    (Category::Pdam, include_str!("../products/pdam.toml")),
    (Category::MobilePrepaid, include_str!("../products/mobile_prepaid.toml")),
    (Category::MobilePostpaid, include_str!("../products/mobile_postpaid.toml")),
    (Category::EwalletTopup, include_str!("../products/ewallet_topup.toml")),
    (Category::Internet, include_str!("../products/internet.toml")),
    (Category::CableTv, include_str!("../products/cable_tv.toml")),
    (Category::Insurance, include_str!("../products/insurance.toml")),
    (Category::Instalment, include_str!("../products/instalment.toml")),
    (Category::CreditCard, include_str!("../products/credit_card.toml")),
];

static BUILTIN: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    Arc::new(Catalogue::from_files(&FILES).expect("a test reads the files that come with the program"))
});

/// Products and their calendar. Reading one costs a look into a table; none is ever copied.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// In the order of the categories; within one, in the order of the files.
    products: Vec<Arc<BillerProduct>>,
    /// Where the product of a code stands in `products`.
    places: HashMap<String, usize>,
    maintenance: Vec<Maintenance>,
}

/// That a product cannot be bought now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Why; when both hold, the maintenance.
    pub why: ClosedBy,
    /// The first instant at which it is open again, cut-off and maintenance that follow upon each other counted as one.
    pub until: Instant,
}

impl Closed {
    /// Until when, for a message: Jakarta's `YYYY-MM-DD HH:MM:SS`.
    pub fn until_text(&self) -> String {
        self.until.jakarta_text()
    }
}

/// Why a product is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// Its cut-off, which comes every day.
    CutOff,
    /// An entry of the calendar.
    Maintenance,
}

/// Reads one category's file: `[defaults]`, `[template.<name>]` and `[[product]]`. Errors name `<category>.toml`, the
/// product and the field.
pub fn parse(text: &str, category: Category) -> Result<Vec<Arc<BillerProduct>>, CatalogueError> {
    let file = format!("{}.toml", category.name());
    let contents = file::read_file(&file, text, Some(category))?;
    match contents.maintenance.is_empty() {
        true => Ok(contents.products.into_iter().map(Arc::new).collect()),
        false => Err(CatalogueError::Section { file, section: "maintenance".to_owned() }),
    }
}

impl Catalogue {
    /// The products that come with the program.
    pub fn builtin() -> Arc<Self> {
        Arc::clone(&BUILTIN)
    }

    fn from_files(files: &[(Category, &str)]) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::default();
        for (category, text) in files {
            for product in parse(text, *category)? {
                if catalogue.product(product.code.as_str()).is_some() {
                    let file = format!("{}.toml", category.name());
                    return Err(CatalogueError::Duplicate { file, code: product.code.as_str().to_owned() });
                }
                catalogue.put(product);
            }
        }
        Ok(catalogue)
    }

    /// This catalogue with an operator's file on top. The format is that of the built-in files; besides, each product
    /// (or the defaults, or its template) says its `category`, a code that exists is replaced, and `[[maintenance]]`
    /// entries are added. `file` is what errors call it.
    pub fn with_products(&self, file: &str, text: &str) -> Result<Self, CatalogueError> {
        let contents = file::read_file(file, text, None)?;
        let mut catalogue = self.clone();
        for product in contents.products {
            catalogue.put(Arc::new(product));
        }
        catalogue.products.sort_by_key(|product| product.category);
        let places = catalogue.products.iter().enumerate();
        catalogue.places = places.map(|(place, product)| (product.code.as_str().to_owned(), place)).collect();
        for (index, maintenance) in contents.maintenance.into_iter().enumerate() {
            let unknown = maintenance.products.iter().find(|code| catalogue.product(code.as_str()).is_none());
            if let Some(code) = unknown {
                let problem = format!("there is no product {}", code.as_str());
                let title = format!("maintenance number {}", index + 1);
                return Err(file::at(file, &title)(entry::fault("products", problem)));
            }
            catalogue.maintenance.push(maintenance);
        }
        let too_many = |what, limit| Err(CatalogueError::TooMany { file: file.to_owned(), what, limit });
        if catalogue.products.len() > PRODUCTS_MAX {
            return too_many("products", PRODUCTS_MAX);
        }
        if catalogue.maintenance.len() > MAINTENANCE_MAX {
            return too_many("times of maintenance", MAINTENANCE_MAX);
        }
        Ok(catalogue)
    }

    /// The same products, open at any time of day but for maintenance: what a sandbox sells.
    #[must_use]
    pub fn without_cut_offs(&self) -> Self {
        let mut catalogue = self.clone();
        for product in catalogue.products.iter_mut().filter(|product| product.cut_off.is_some()) {
            Arc::make_mut(product).cut_off = None;
        }
        catalogue
    }

    /// Adds the product, or puts it in the place of the one with its code.
    fn put(&mut self, product: Arc<BillerProduct>) {
        match self.places.get(product.code.as_str()) {
            Some(place) => self.products[*place] = product,
            None => {
                self.places.insert(product.code.as_str().to_owned(), self.products.len());
                self.products.push(product);
            }
        }
    }

    /// The product of this code; codes are capital letters and digits.
    pub fn product(&self, code: &str) -> Option<&Arc<BillerProduct>> {
        self.places.get(code).map(|place| &self.products[*place])
    }

    /// Every product, in the order of the categories.
    pub fn products(&self) -> impl ExactSizeIterator<Item = &Arc<BillerProduct>> {
        self.products.iter()
    }

    /// Every time of maintenance.
    pub fn maintenance(&self) -> &[Maintenance] {
        &self.maintenance
    }

    /// Whether the product is closed now, and until when.
    pub fn closed(&self, product: &BillerProduct, now: Instant) -> Option<Closed> {
        let (why, mut until) = self.closed_once(product, now)?;
        // Every round ends a maintenance or a cut-off between two of them, so that there is a last one.
        while let Some((_, later)) = self.closed_once(product, until) {
            until = later;
        }
        Some(Closed { why, until })
    }

    /// What closes the product at this instant, and when that ends.
    fn closed_once(&self, product: &BillerProduct, at: Instant) -> Option<(ClosedBy, Instant)> {
        let concerns = |entry: &&Maintenance| {
            (entry.from..entry.to).contains(&at)
                && (entry.products.is_empty() || entry.products.contains(&product.code))
        };
        let maintenance = self.maintenance.iter().filter(concerns).map(|entry| entry.to).max();
        let cut_off = product.cut_off.filter(|window| window.contains(at)).map(|window| end_of(window, at));
        maintenance.map(|to| (ClosedBy::Maintenance, to)).or(cut_off.map(|to| (ClosedBy::CutOff, to)))
    }
}

const MICROS_PER_MINUTE: i64 = 60_000_000;
const MINUTES_PER_DAY: i64 = 24 * 60;

/// When the window that holds this instant ends. Jakarta's minutes begin with those of UTC.
fn end_of(window: Window, at: Instant) -> Instant {
    let minute = Instant::from_micros(at.micros() - at.micros().rem_euclid(MICROS_PER_MINUTE));
    let left = i64::from(window.to_minute) - i64::from(at.jakarta_minute());
    minute.plus_seconds(left.rem_euclid(MINUTES_PER_DAY) * 60)
}
