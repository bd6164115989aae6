//! Reads out of a page what a browser without script can act on: forms, links, and where the page leads by itself.
//!
//! Not a parser of all HTML: tags with quoted or bare attributes, comments, `script` and `style` skipped, character
//! references in attributes. That is what pages made for every browser consist of.

/// A page as a browser without script sees it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The text of `title`.
    pub title: String,
    /// Every form, in order.
    pub forms: Vec<Form>,
    /// Every link: address, id or class, in order.
    pub links: Vec<Link>,
    /// Where `meta refresh` leads, and after how many seconds.
    pub refresh: Option<(u64, String)>,
    /// The text between the tags, blanks collapsed.
    pub text: String,
}

/// A link.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// Where.
    pub href: String,
    /// Its `class`, `id` and `rel`, blank-separated.
    pub marks: String,
}

/// A form.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent; empty: the page's own address.
    pub action: String,
    /// Whether by POST.
    pub post: bool,
    /// What is in it, in order.
    pub inputs: Vec<Input>,
}

/// Something in a form.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Input {
    /// `text`, `hidden`, `radio`, `submit`, `select`...
    pub kind: String,
    /// Its name; empty: not sent.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What `autocomplete` says.
    pub autocomplete: String,
    /// Whether it is chosen.
    pub checked: bool,
}

/// Reads a page.
pub fn read(html: &str) -> Page {
    let mut page = Page::default();
    let mut open_form: Option<Form> = None;
    let mut open_select: Option<Input> = None;
    let mut rest = html;
    let mut in_title = false;
    while let Some(start) = rest.find('<') {
        let text = unescape(&rest[..start]);
        if in_title {
            page.title.push_str(&text);
        } else {
            push_words(&mut page.text, &text);
        }
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let (tag, after) = read_tag(rest);
        rest = after;
        match tag.name.as_str() {
            "title" => in_title = true,
            "/title" => in_title = false,
            "script" | "style" => {
                let end = format!("</{}", tag.name);
                rest = rest.find(&end).map_or("", |end| &rest[end..]);
            }
            "form" => {
                let post = tag.get("method").eq_ignore_ascii_case("post");
                open_form = Some(Form { action: tag.get("action"), post, inputs: vec![] });
            }
            "/form" => page.forms.extend(open_form.take()),
            "select" => open_select = Some(Input { kind: "select".into(), name: tag.get("name"), ..Input::default() }),
            "option" => choose_option(&mut open_select, &tag),
            "/select" => {
                if let (Some(form), Some(select)) = (&mut open_form, open_select.take()) {
                    form.inputs.push(select);
                }
            }
            _ => read_leaf(&mut page, open_form.as_mut(), &tag),
        }
    }
    page.forms.extend(open_form);
    page.title = page.title.trim().to_owned();
    page
}

fn read_leaf(page: &mut Page, form: Option<&mut Form>, tag: &Tag) {
    match tag.name.as_str() {
        "input" | "button" | "textarea" => {
            if let Some(form) = form {
                form.inputs.push(input_of(tag));
            }
        }
        "a" => {
            let marks = format!("{} {} {}", tag.get("class"), tag.get("id"), tag.get("rel"));
            page.links.push(Link { href: tag.get("href"), marks });
        }
        "meta" if tag.get("http-equiv").eq_ignore_ascii_case("refresh") => {
            let content = tag.get("content");
            if let Some((seconds, target)) = content.split_once(';') {
                let target = target.trim();
                let url = target.split_once('=').filter(|(word, _)| word.trim().eq_ignore_ascii_case("url"));
                let url = url.map_or(target, |(_, url)| url.trim()).trim_matches(['\'', '"']);
                page.refresh = Some((seconds.trim().parse().unwrap_or(0), url.to_owned()));
            }
        }
        _ => {}
    }
}

fn input_of(tag: &Tag) -> Input {
    let kind = match (tag.name.as_str(), tag.get("type")) {
        ("button", kind) if kind.is_empty() => "submit".into(),
        (_, kind) if kind.is_empty() => "text".into(),
        (_, kind) => kind.to_ascii_lowercase(),
    };
    Input {
        kind,
        name: tag.get("name"),
        value: tag.get("value"),
        autocomplete: tag.get("autocomplete"),
        checked: tag.has("checked"),
    }
}

/// The first option is the select's value unless a later one is selected.
fn choose_option(select: &mut Option<Input>, option: &Tag) {
    if let Some(select) = select
        && (option.has("selected") || select.value.is_empty())
    {
        select.value = option.get("value");
    }
}

fn push_words(text: &mut String, words: &str) {
    for word in words.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> String {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|(known, _)| known == name)
    }
}

/// Reads one tag from its `<`; the rest begins behind its `>`.
fn read_tag(text: &str) -> (Tag, &str) {
    let body = &text[1..];
    let name_end = body.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(body.len());
    let name = body[..name_end].trim_end_matches('/').to_ascii_lowercase();
    let mut rest = &body[name_end..];
    let mut attributes = vec![];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return (Tag { name, attributes }, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (Tag { name, attributes }, after);
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len()).max(1);
        let attribute = rest.get(..end).unwrap_or(rest).to_ascii_lowercase();
        rest = rest.get(end..).unwrap_or("").trim_start();
        let value = match rest.strip_prefix('=') {
            None => String::new(),
            Some(after) => {
                let (value, after) = read_value(after.trim_start());
                rest = after;
                unescape(value)
            }
        };
        attributes.push((attribute, value));
    }
}

fn read_value(text: &str) -> (&str, &str) {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => match text[1..].find(quote) {
            Some(end) => (&text[1..=end], &text[end + 2..]),
            None => (&text[1..], ""),
        },
        _ => text.split_at(text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len())),
    }
}

/// Replaces character references; one that is not known stays as it is.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let known = rest.find(';').filter(|end| *end < 12).and_then(|end| Some((reference(&rest[1..end])?, end)));
        match known {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => match name.strip_prefix('#')? {
            hex if hex.starts_with(['x', 'X']) => number(&hex[1..], 16),
            digits => number(digits, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_browser_can_act_on() {
        let page = read(
            "<!doctype html><title>A &amp; B</title><!-- <form action=no> --><style>a > b {}</style>\
             <meta http-equiv=\"refresh\" content=\"3;url=/next?a=1&#38;b=2\">\
             <form method='POST' action=/send?x=1&#x26;y=2><input name=otp autocomplete=\"one-time-code\">\
             <input type=hidden name=h value='\"q\"'><input type=radio name=p value=A checked/>\
             <select name=s><option value=1>one<option value=2 selected>two</select>\
             <button name=do value=go>Go</button></form><form action='/cancel' method=post><button>No</button></form>\
             <p>Some  <b>text</b></p><a class=\"button\" href=\"/on\">on</a>",
        );
        assert_eq!(page.title, "A & B");
        assert_eq!(page.refresh, Some((3, "/next?a=1&b=2".into())));
        assert_eq!(page.forms.len(), 2);
        let form = &page.forms[0];
        assert_eq!((form.action.as_str(), form.post), ("/send?x=1&y=2", true));
        let seen: Vec<_> = form.inputs.iter().map(|i| (i.kind.as_str(), i.name.as_str(), i.value.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("text", "otp", ""),
                ("hidden", "h", "\"q\""),
                ("radio", "p", "A"),
                ("select", "s", "2"),
                ("submit", "do", "go")
            ]
        );
        assert!(form.inputs[2].checked);
        assert_eq!(page.links[0].href, "/on");
        assert!(page.text.contains("Some text"));
    }

    #[test]
    fn ends_whatever_it_is_given() {
        for text in [
            "<",
            "<a",
            "<a href",
            "<a href=",
            "<a href=\"x",
            "<form><input",
            "<!--",
            "<script>",
            "&#xffffffff;",
            "<=>",
            "<é é=é>",
        ] {
            read(text);
        }
        assert_eq!(unescape("a&b &unknown; &#65;"), "a&b &unknown; A");
    }
}
