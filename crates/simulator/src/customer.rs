//! A customer with a browser without script: follows redirects, fills in forms, and stops where our houses end.

use std::time::Duration;

use reqwest::{Client, Response, redirect::Policy};
use url::Url;

use crate::html::{self, Form, Input, Page};

/// How many pages and redirects a visit may take.
pub const STEPS_MAX: usize = 40;
/// How often a page that renews itself is looked at again.
pub const RENEWALS_MAX: usize = 20;

/// Somebody who uses a wallet.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The number, `62...`.
    pub phone: String,
    /// What is entered as one-time code.
    pub otp: String,
    /// What is entered as PIN.
    pub pin: String,
    /// What is chosen as password.
    pub password: String,
    /// The wallet that is chosen where there is a choice.
    pub product: Option<String>,
}

/// A page or a redirect that was seen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Where, without the secrets of a query.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// The page's title; empty for a redirect.
    pub title: String,
    /// The names of the fields that were filled in.
    pub filled: Vec<String>,
}

/// How a visit ended.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Every page and redirect, in order.
    pub seen: Vec<Seen>,
    /// The address where it ended: outside (a merchant's page, not fetched) or the last page.
    pub end: Url,
    /// The last page's text; none when it ended outside.
    pub text: Option<String>,
}

impl Visit {
    /// A parameter of the address where the visit ended.
    pub fn param(&self, name: &str) -> Option<String> {
        self.end.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

/// Why a visit did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// The first address is none, or leads outside.
    #[error("{0} is not an address of the sandbox")]
    Outside(String),
    /// The other side did not answer.
    #[error("open {url}")]
    Open {
        /// Which page.
        url: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// A page answered with an error.
    #[error("{url} answered {status}: {text}")]
    Refused {
        /// Which page.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The page's text, shortened.
        text: String,
    },
    /// There was no end.
    #[error("no end after {STEPS_MAX} pages; the last was {0}")]
    TooLong(String),
}

/// What the browser does next.
pub(crate) enum Next {
    Get(Url),
    Post(Url, Vec<(String, String)>),
    End(String),
    Wait(Duration, Url),
}

/// A browser.
pub struct Browser {
    http: Client,
    /// The hosts that it walks on, as `host:port`; everything else is the merchant's, and the end.
    hosts: Vec<String>,
}

impl Browser {
    /// A browser that walks on these addresses' hosts only.
    pub fn new<'a>(base_urls: impl IntoIterator<Item = &'a str>) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(40))
            .build()
            .expect("a client without files or environment can always be made");
        let hosts = base_urls.into_iter().filter_map(|url| host(&Url::parse(url).ok()?)).collect();
        Self { http, hosts }
    }

    /// Opens an address and goes on until the merchant's page, or a page that leads nowhere.
    ///
    /// # Errors
    /// [`VisitError`], which says where it went wrong.
    pub async fn visit(&self, url: &str, customer: &Customer) -> Result<Visit, VisitError> {
        let outside = || VisitError::Outside(url.to_owned());
        let first = Url::parse(url).map_err(|_| outside())?;
        if !self.walks(&first) {
            return Err(outside());
        }
        let mut next = Next::Get(first.clone());
        let mut here = first;
        let mut seen: Vec<Seen> = vec![];
        let mut renewals = 0;
        while seen.len() < STEPS_MAX {
            let (method, filled, sent) = match next {
                Next::Get(url) | Next::Wait(_, url) if !self.walks(&url) => {
                    return Ok(Visit { seen, end: url, text: None });
                }
                Next::End(text) => return Ok(Visit { seen, end: here, text: Some(text) }),
                Next::Get(url) => {
                    here = url;
                    ("GET", vec![], self.http.get(here.clone()))
                }
                Next::Wait(wait, url) => {
                    tokio::time::sleep(wait).await;
                    here = url;
                    ("GET", vec![], self.http.get(here.clone()))
                }
                Next::Post(url, pairs) => {
                    here = url;
                    let names = pairs.iter().map(|(name, _)| name.clone()).collect();
                    ("POST", names, self.http.post(here.clone()).form_pairs(&pairs))
                }
            };
            let url = plain(&here);
            let response = sent.send().await.map_err(|source| VisitError::Open { url: url.clone(), source })?;
            let status = response.status().as_u16();
            let (title, following) = self.follow(response, &here, customer, &mut renewals).await?;
            seen.push(Seen { method, url, status, title, filled });
            next = following;
        }
        Err(VisitError::TooLong(plain(&here)))
    }

    fn walks(&self, url: &Url) -> bool {
        matches!(url.scheme(), "http" | "https") && host(url).is_some_and(|host| self.hosts.contains(&host))
    }

    /// Reads an answer: its title and what follows.
    async fn follow(
        &self,
        response: Response,
        here: &Url,
        customer: &Customer,
        renewals: &mut usize,
    ) -> Result<(String, Next), VisitError> {
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let (300..400, Some(location)) = (status, location) {
            let target = here.join(&location).map_err(|_| VisitError::Outside(location))?;
            return Ok((String::new(), Next::Get(target)));
        }
        let html = response.text().await.map_err(|source| VisitError::Open { url: plain(here), source })?;
        let page = html::read(&html);
        if status >= 400 {
            let text = page.text.chars().take(300).collect();
            return Err(VisitError::Refused { url: plain(here), status, text });
        }
        let next = next(&page, here, customer, renewals);
        Ok((page.title, next))
    }
}

/// What a page leads to.
pub(crate) fn next(page: &Page, here: &Url, customer: &Customer, renewals: &mut usize) -> Next {
    if let Some(form) = main_form(page)
        && let Ok(action) = here.join(&form.action)
    {
        let pairs = fill(form, customer);
        if form.post {
            return Next::Post(action, pairs);
        }
        let mut target = action;
        target.query_pairs_mut().clear().extend_pairs(pairs);
        return Next::Get(target);
    }
    if let Some((seconds, target)) = &page.refresh
        && *renewals < RENEWALS_MAX
        && let Ok(target) = here.join(target)
    {
        *renewals += 1;
        // A customer who waits presses the button: no longer than a second.
        return Next::Wait(Duration::from_secs((*seconds).min(1)), target);
    }
    let onward = page.links.iter().find(|link| link.marks.split(' ').any(|mark| mark == "button"));
    match onward.and_then(|link| here.join(&link.href).ok()) {
        Some(target) => Next::Get(target),
        None => Next::End(page.text.clone()),
    }
}

/// The form that asks for something, rather than a bare button such as cancel or send again.
fn main_form(page: &Page) -> Option<&Form> {
    let asks =
        |form: &&Form| form.inputs.iter().any(|input| !matches!(input.kind.as_str(), "hidden" | "submit" | "button"));
    page.forms.iter().find(asks).or_else(|| page.forms.iter().find(|form| form.post && !declines(form)))
}

pub(crate) fn declines(form: &Form) -> bool {
    let says = |text: &str| ["cancel", "resend", "decline", "batal"].iter().any(|word| text.contains(word));
    says(&form.action.to_ascii_lowercase()) || form.inputs.iter().any(|input| says(&input.value.to_ascii_lowercase()))
}

/// What the customer sends: every field filled in, one radio button of each name, the first button pressed.
pub(crate) fn fill(form: &Form, customer: &Customer) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = vec![];
    let mut pressed = false;
    for input in form.inputs.iter().filter(|input| !input.name.is_empty()) {
        let value = match input.kind.as_str() {
            "submit" | "button" | "image" | "reset" => {
                if pressed || input.kind == "reset" {
                    continue;
                }
                pressed = true;
                input.value.clone()
            }
            "radio" => {
                let wished = |value: &str| customer.product.as_deref() == Some(value);
                match pairs.iter().position(|(name, _)| *name == input.name) {
                    Some(place) if wished(&pairs[place].1) || !(wished(&input.value) || input.checked) => continue,
                    Some(place) => drop(pairs.remove(place)),
                    None => {}
                }
                input.value.clone()
            }
            "checkbox" => {
                if input.value.is_empty() {
                    "on".into()
                } else {
                    input.value.clone()
                }
            }
            "hidden" | "select" => input.value.clone(),
            _ => entry(input, customer),
        };
        pairs.push((input.name.clone(), value));
    }
    pairs
}

/// What the customer enters into a field, by its name and what it says of itself.
fn entry(input: &Input, customer: &Customer) -> String {
    let name = input.name.to_ascii_lowercase();
    if name.contains("otp") || input.autocomplete == "one-time-code" {
        customer.otp.clone()
    } else if name.contains("password") || name.contains("sandi") {
        customer.password.clone()
    } else if name.contains("pin") {
        customer.pin.clone()
    } else if name.contains("phone") || input.kind == "tel" || input.autocomplete == "tel" {
        customer.phone.clone()
    } else {
        input.value.clone()
    }
}

fn host(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The address without its query, and with the long random parts of its path cut.
fn plain(url: &Url) -> String {
    let cut = |part: &str| {
        if part.len() > 20 { format!("{}...", part.get(..6).unwrap_or_default()) } else { part.to_owned() }
    };
    let path: Vec<String> = url.path().split('/').map(cut).collect();
    format!("{}{}", &url[..url::Position::BeforePath], path.join("/"))
}

/// Forms without the `form` feature of the client.
trait FormPairs {
    fn form_pairs(self, pairs: &[(String, String)]) -> Self;
}

impl FormPairs for reqwest::RequestBuilder {
    fn form_pairs(self, pairs: &[(String, String)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.header("Content-Type", "application/x-www-form-urlencoded").body(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer() -> Customer {
        Customer {
            phone: "6281234500001".into(),
            otp: "111".into(),
            pin: "222".into(),
            password: "secret".into(),
            product: Some("B".into()),
        }
    }

    #[test]
    fn fills_in_what_is_asked_and_presses_the_first_button() {
        let page = html::read(
            "<form method=post action=/cancel><button>x</button></form>\
             <form method=post action=/go><input type=hidden name=t value=7><input type=radio name=product value=A checked>\
             <input type=radio name=product value=B><input type=radio name=product value=C><input name=phone type=tel>\
             <input name=pin type=password><input name=pin_again type=password><input name=password type=password>\
             <input name=code autocomplete=one-time-code><button name=do value=yes>ok</button><button name=do value=cancel>no</button></form>",
        );
        let form = main_form(&page).expect("a form that asks");
        let pairs = fill(form, &customer());
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        assert_eq!(text, "t=7&product=B&phone=6281234500001&pin=222&pin_again=222&password=secret&code=111&do=yes");
    }

    #[test]
    fn a_bare_button_is_pressed_unless_it_declines() {
        let page = html::read(
            "<form method=post action=/pay/cancel><button>x</button></form><form method=post action=/ok></form>",
        );
        assert_eq!(main_form(&page).map(|form| form.action.as_str()), Some("/ok"));
        let page = html::read("<form method=post action=/pay/cancel><button>x</button></form>");
        assert!(main_form(&page).is_none());
    }
}
