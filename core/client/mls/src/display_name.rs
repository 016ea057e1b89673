use conclave_protocol::limits::NAME_CHARS;

/// Shown for a member whose name has nothing to show.
const NAMELESS: &str = "Guest";

/// Makes a display name fit to be shown beside others: never empty, at most [`NAME_CHARS`] characters, and as [`clean_line`] does.
/// Applied by the sender and again by every receiver, who need not trust it.
pub fn clean_name(raw: &str) -> String {
    let name = clean_line(raw, NAME_CHARS);
    if name.is_empty() { NAMELESS.to_owned() } else { name }
}

/// At most `limit` characters of what others wrote, in one line: no control, direction or invisible characters, white space collapsed.
pub fn clean_line(raw: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut chars = 0;
    for word in raw.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut first = true;
        for c in word.chars().filter(|&c| !is_hidden(c)) {
            let gap = first && chars > 0;
            if chars + 1 + usize::from(gap) > limit {
                return line;
            }
            if gap {
                line.push(' ');
                chars += 1;
            }
            line.push(c);
            chars += 1;
            first = false;
        }
    }
    line
}

/// Characters that draw nothing, or that change how others are drawn. The joiners U+200C and U+200D go too: what they give to
/// some scripts and emoji weighs less than two names that look alike.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_name_stays() {
        assert_eq!(clean_name("Amara Okafor"), "Amara Okafor");
        assert_eq!(clean_name("Zoë 李 محمد"), "Zoë 李 محمد");
    }

    #[test]
    fn direction_and_invisible_characters_go() {
        assert_eq!(clean_name("A\u{202E}ma\u{2066}r\u{200B}a\u{2069}\u{FEFF}"), "Amara");
        assert_eq!(clean_name("Ben\0\u{7}\u{1B}[31m"), "Ben [31m");
    }

    #[test]
    fn white_space_is_collapsed_and_trimmed() {
        assert_eq!(clean_name(" \t Amara \u{3000}\n\r  Okafor\u{2028} "), "Amara Okafor");
        assert_eq!(clean_name("a \u{200B} b"), "a b");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        let name = clean_name(&"é".repeat(10_000));
        assert_eq!(name.chars().count(), NAME_CHARS);
        assert_eq!(clean_name(&format!("{} b", "a".repeat(NAME_CHARS - 1))), "a".repeat(NAME_CHARS - 1));
    }

    #[test]
    fn nothing_left_is_guest() {
        for empty in ["", "  ", "\u{200B}\u{202E}", "\u{3164}"] {
            assert_eq!(clean_name(empty), "Guest");
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing_and_stays_in_bounds(raw in ".{0,200}") {
            let once = clean_name(&raw);
            prop_assert_eq!(clean_name(&once), once.clone());
            prop_assert!((1..=NAME_CHARS).contains(&once.chars().count()));
        }
    }
}
