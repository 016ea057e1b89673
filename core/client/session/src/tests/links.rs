//! Links as they arrive: what mail programs, messengers, scanners and people do to them.

use proptest::prelude::*;

use crate::meeting_link::{CHARS, find, pattern};
use crate::{LinkError, MeetingLink};

/// Both hold `-` and `_`, and end as links do.
const KEY: &str = "-_ab0123456789abcdefghijABCDEFGHIJKLMNOPQRA";
const OTHER: &str = "_-ba9876543210abcdefghijABCDEFGHIJKLMNOPQRE";
const HERE: &str = "https://meet.example.org";

fn url() -> String {
    format!("{HERE}/m#{KEY}")
}

/// The key broken in two, `between` in the gap.
fn broken(between: &str) -> String {
    format!("{HERE}/m#{}{between}{}", &KEY[..20], &KEY[20..])
}

fn percent(text: &str) -> String {
    let escaped = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    text.chars().map(escaped).collect()
}

#[test]
fn a_link_opens_however_it_arrives() {
    let url = url();
    let once = percent(&url);
    for text in [
        url.clone(),
        format!("  {url}\r\n"),
        // Punctuation of the text around it.
        format!("{url}."),
        format!("({url})"),
        format!("[{url}],"),
        format!("<{url}>"),
        format!("\"{url}\""),
        format!("\u{201e}{url}\u{201c}"),
        format!("Join me at {url}, it is about the budget."),
        format!("Item #3 of today: {url} #planning"),
        format!("链接{url}请点击"),
        format!("We meet at {url}\n\nBest\nAmara"),
        // Markup.
        format!("[the meeting]({url})"),
        format!("[{url}]({url})"),
        format!("*{url}* or **{url}**"),
        format!("_{url}_"),
        format!("__{url}__"),
        format!("{url}-- see you"),
        format!("<{url}|the meeting>"),
        format!("<a href=\"{url}\">{url}</a>"),
        url.replace('#', "&#35;"),
        // Broken lines.
        broken("\n"),
        broken("\r\n"),
        broken("=\r\n"),
        broken("\r\n> "),
        broken(" "),
        broken("\u{a0}"),
        broken("\u{200b}"),
        broken("%20"),
        broken("\n  ") + " and bring the papers",
        format!("{HERE}/m#\n{KEY}"),
        // Parameters.
        format!("{url}?utm_source=mail&utm_medium=x"),
        format!("{url}&fbclid=abc"),
        format!("{HERE}/m?utm_source=mail#{KEY}"),
        format!("{HERE}/#{KEY}"),
        format!("{HERE}/m/#{KEY}"),
        // Escapes and scanners.
        url.replace('#', "%23"),
        url.replace('#', "%2523"),
        format!("https://emea01.safelinks.example.com/?url={once}&data=05%7C01&reserved=0"),
        format!("https://scanner.example.com/v1/url?u={}&k=abc", percent(&once)),
        format!("https://www.example.com/url?q={url}&sa=D"),
        format!("view-source:{url}"),
        url.replace("https", "HTTPS"),
        format!("meet.example.org/m#{KEY}"),
    ] {
        let found = find(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!((found.link.fragment().as_str(), found.origin.as_deref()), (KEY, Some(HERE)), "{text:?}");
    }
}

#[test]
fn a_link_without_its_server_is_one_too() {
    for text in
        [KEY.to_owned(), format!("#{KEY}"), format!("  \"{KEY}\".\n"), format!("the code is #{KEY}"), format!("{KEY}?utm_source=mail")]
    {
        let found = find(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!((found.link.fragment().as_str(), found.origin), (KEY, None), "{text:?}");
    }
}

#[test]
fn the_server_is_the_one_that_a_browser_would_go_to() {
    let origin = |address: &str| find(&format!("{address}/#{KEY}")).map(|found| found.origin);
    for address in ["http://localhost:8080", "https://[::1]:8443", "https://bücher.example", "https://10.0.0.7"] {
        assert_eq!(origin(address), Ok(Some(address.to_owned())));
    }
    assert_eq!(origin("localhost:8080"), Ok(Some("https://localhost:8080".to_owned())));
    assert_eq!(origin("news at https://news.example/story and then"), Ok(None), "a blank ends an address");
    for address in [
        "javascript://x",
        "ftp://meet.example.org",
        "https://meet.example.org@other.example",
        "https://",
        "https://a:b:c",
        "https://a\u{2044}b",
    ] {
        assert_eq!(origin(address), Err(LinkError::Missing), "{address}");
    }
    assert_eq!(origin("https://other.example\\@meet.example.org"), Ok(Some("https://other.example".to_owned())));
}

#[test]
fn what_is_not_whole_is_not_taken() {
    let url = url();
    let short = &url[..url.len() - 1];
    for text in [
        short.to_owned(),
        format!("{short}."),
        format!("{short} see you there"),
        format!("{short} A meeting of all"),
        format!("{short}\n\nAmara"),
        format!("{short}!A"),
        format!("{short}é"),
        format!("{}_", short),
        format!("{url}A"),
        format!("{HERE}/m#{}", &KEY[5..]),
        KEY[..CHARS - 1].to_owned(),
        format!("{KEY}A"),
        url.replace("ABCD", "ABéD"),
        url.replace("ABCD", "AB+D"),
        // The secret was cut off with its `#`.
        format!("{HERE}/m"),
        format!("<{HERE}/m/>"),
        "Join at meet.example.org/m, it is about the budget.".to_owned(),
        "http://localhost:8080/m?utm_source=mail".to_owned(),
    ] {
        assert_eq!(find(&text), Err(LinkError::Cut), "{text:?}");
    }
    for text in [
        "",
        "#",
        "hello there",
        HERE,
        "https://meet.example.org/",
        "https://news.example/a-long-story-of-forty-three-characters-here",
        "item #3",
        "https://news.example/a/m",
        "either/m or/n",
    ] {
        assert_eq!(find(text), Err(LinkError::Missing), "{text:?}");
    }
    assert_eq!(find(&format!("{}{url}", " ".repeat(64 * 1024))), Err(LinkError::Missing), "as long as a book");
}

#[test]
fn of_two_links_none_is_taken() {
    let url = url();
    assert_eq!(find(&format!("{url} or {HERE}/m#{OTHER}")), Err(LinkError::Several));
    assert_eq!(find(&format!("{url} or {HERE}/m#{}", &OTHER[1..])).map(|found| found.link.fragment()), Ok(KEY.to_owned()), "one is whole");
}

#[test]
fn the_pattern_takes_what_is_a_link_and_nothing_else() {
    assert_eq!(pattern(), "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$");
    let rest = "A".repeat(CHARS - 1);
    for char in (b'!'..=b'~').map(char::from).filter(|char| !"#%&".contains(*char)) {
        assert_eq!(MeetingLink::parse(&format!("#{rest}{char}")).is_ok(), "AEIMQUYcgkosw048".contains(char), "{char:?} at the end");
        let of_alphabet = char.is_ascii_alphanumeric() || char == '_' || char == '-';
        assert_eq!(MeetingLink::parse(&format!("#{char}{rest}")).is_ok(), of_alphabet, "{char:?} at the beginning");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in r#"([ -~]|[#%&=>\r\n\u{200b}é]|%23|%2523|https?://|meet\.example/|[A-Za-z0-9_-]{20,45}){0,12}"#) {
        if let Ok(found) = find(&text) {
            let again = find(&found.link.url(HERE));
            prop_assert_eq!(again.map(|again| again.link), Ok(found.link));
        }
    }

    #[test]
    fn every_link_survives_what_is_usual(bytes: [u8; 32], cut in 1..CHARS, gap in "\r?\n(> )?|=\n|\u{200b}", end in r#"[.,;:!?)\]}>"'*|&/\\ ]?"#) {
        let key = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes);
        for text in [format!("{HERE}/m#{key}{end}"), format!("{HERE}/m#{}{gap}{}{end}", &key[..cut], &key[cut..]), percent(&format!("{HERE}/m#{key}")) + &end] {
            prop_assert_eq!(MeetingLink::parse(&text).map(|link| link.fragment()), Ok(key.clone()), "{:?}", text);
        }
    }
}
