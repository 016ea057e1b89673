/// Makes a display name fit to be shown.
pub fn clean_name(raw: &str) -> String {
    raw.to_owned()
}
