//! A file of products as a whole: defaults, templates, products, maintenance.

use std::collections::{HashMap, HashSet};

use calendar::Instant;
use lifecycle::{
    ProductCode,
    biller::{BillerProduct, Category, Maintenance},
};
use toml::{Table, Value};

use crate::{
    CatalogueError,
    entry::{Entry, Fault, fault, read},
    limits::{FILE_BYTES_MAX, MAINTENANCE_MAX, PRODUCTS_MAX},
};

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) products: Vec<BillerProduct>,
    pub(crate) maintenance: Vec<Maintenance>,
}

/// Reads a file. With a category every product is of it; without one each names its own.
pub(crate) fn read_file(file: &str, text: &str, category: Option<Category>) -> Result<Contents, CatalogueError> {
    let too_many = |what, limit| CatalogueError::TooMany { file: file.to_owned(), what, limit };
    if text.len() > FILE_BYTES_MAX {
        return Err(too_many("bytes", FILE_BYTES_MAX));
    }
    let table: Table =
        text.parse().map_err(|source| CatalogueError::Syntax { file: file.to_owned(), source: Box::new(source) })?;
    let sections = Sections::of(file, table)?;
    if sections.products.len() > PRODUCTS_MAX {
        return Err(too_many("products", PRODUCTS_MAX));
    }
    if sections.maintenance.len() > MAINTENANCE_MAX {
        return Err(too_many("times of maintenance", MAINTENANCE_MAX));
    }
    let mut products = vec![];
    let mut codes = HashSet::new();
    for (index, entry) in sections.products.into_iter().enumerate() {
        let title = match entry.get("code").and_then(Value::as_str) {
            Some(code) => format!("product {code}"),
            None => format!("product number {}", index + 1),
        };
        let product = product(entry, &sections.defaults, &sections.templates, category).map_err(at(file, &title))?;
        if !codes.insert(product.code.clone()) {
            return Err(CatalogueError::Duplicate { file: file.to_owned(), code: product.code.as_str().to_owned() });
        }
        products.push(product);
    }
    let mut maintenance = vec![];
    for (index, entry) in sections.maintenance.into_iter().enumerate() {
        let title = format!("maintenance number {}", index + 1);
        maintenance.push(maintenance_time(entry).map_err(at(file, &title))?);
    }
    Ok(Contents { products, maintenance })
}

/// A fault of an entry as the file's.
pub(crate) fn at(file: &str, entry: &str) -> impl Fn(Fault) -> CatalogueError {
    let (file, entry) = (file.to_owned(), entry.to_owned());
    move |Fault { field, problem }| CatalogueError::Field { file: file.clone(), entry: entry.clone(), field, problem }
}

/// The parts of a file, as written.
struct Sections {
    defaults: Entry,
    templates: HashMap<String, Entry>,
    products: Vec<Table>,
    maintenance: Vec<Table>,
}

impl Sections {
    fn of(file: &str, table: Table) -> Result<Self, CatalogueError> {
        let mut sections =
            Self { defaults: Entry::default(), templates: HashMap::new(), products: vec![], maintenance: vec![] };
        for (name, value) in table {
            let wrong = || CatalogueError::Section { file: file.to_owned(), section: name.clone() };
            match (name.as_str(), value) {
                ("defaults", Value::Table(entry)) => {
                    sections.defaults = shared(entry).map_err(at(file, "defaults"))?;
                }
                ("template", Value::Table(templates)) => {
                    for (name, entry) in templates {
                        let Value::Table(entry) = entry else { return Err(wrong()) };
                        let entry = shared(entry).map_err(at(file, &format!("template {name}")))?;
                        sections.templates.insert(name, entry);
                    }
                }
                ("product", Value::Array(entries)) => sections.products = tables(entries).ok_or_else(wrong)?,
                ("maintenance", Value::Array(entries)) => sections.maintenance = tables(entries).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            }
        }
        Ok(sections)
    }
}

fn tables(entries: Vec<Value>) -> Option<Vec<Table>> {
    entries.into_iter().map(|entry| if let Value::Table(table) = entry { Some(table) } else { None }).collect()
}

/// Defaults or a template: everything but what makes a product this one.
fn shared(table: Table) -> Result<Entry, Fault> {
    let entry = Entry::from_table(table)?;
    match (&entry.code, &entry.like) {
        (None, None) => Ok(entry),
        (Some(_), _) => Err(fault("code", "only a product has one")),
        (None, Some(_)) => Err(fault("like", "only a product has one")),
    }
}

fn product(
    table: Table,
    defaults: &Entry,
    templates: &HashMap<String, Entry>,
    category: Option<Category>,
) -> Result<BillerProduct, Fault> {
    let mut entry = Entry::from_table(table)?;
    if let Some(name) = entry.like.take() {
        let template = templates.get(&name).ok_or_else(|| fault("like", format!("there is no template {name}")))?;
        entry = entry.or(template);
    }
    entry.or(defaults).product(category)
}

fn maintenance_time(table: Table) -> Result<Maintenance, Fault> {
    let (mut products, mut from, mut to) = (vec![], None, None);
    for (field, value) in table {
        match field.as_str() {
            "products" => {
                let codes: Vec<String> = read(&field, value)?;
                products = codes.into_iter().map(ProductCode::new).collect();
            }
            "from" => from = Some(jakarta_time(&field, value)?),
            "to" => to = Some(jakarta_time(&field, value)?),
            _ => return Err(fault(&field, "there is no such field")),
        }
    }
    let from = from.ok_or_else(|| fault("from", "must be there"))?;
    let to = to.ok_or_else(|| fault("to", "must be there"))?;
    if from >= to {
        return Err(fault("to", "must be after from"));
    }
    Ok(Maintenance { products, from, to })
}

/// `2026-11-21 23:00:00`, by Jakarta's clock.
fn jakarta_time(field: &str, value: Value) -> Result<Instant, Fault> {
    let text: String = read(field, value)?;
    Instant::parse(&format!("{text}+07:00"))
        .ok()
        .filter(|at| at.jakarta_text() == text)
        .ok_or_else(|| fault(field, format!("{text} is not a time like 2026-11-21 23:00:00")))
}
