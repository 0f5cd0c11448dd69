//! Names in addresses and headers: keys, and the names that files are saved under.

/// Most characters of a file's name: systems take 255 bytes, and four make a character at worst.
const LONGEST_NAME: usize = 60;
/// Most bytes of a key (S3, object key naming).
const LONGEST_KEY: usize = 1024;

/// Every byte but letters, digits and `-._~` as `%XX`, as signatures want it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&hex::encode_upper([byte]));
        }
    }
    escaped
}

/// A key's path without the slash before it. None for what would be another path once a client tidied it up.
pub(super) fn path_of(key: &str) -> Option<String> {
    let segments: Vec<_> = key.split('/').collect();
    let usable = segments.iter().all(|segment| !matches!(*segment, "" | "." | ".."));
    let path = || segments.iter().map(|segment| escape(segment)).collect::<Vec<_>>().join("/");
    (usable && key.len() <= LONGEST_KEY).then(path)
}

/// The header that saves a PDF under this name (RFC 6266): plain for old clients, and in full (RFC 8187, which
/// replaced RFC 5987). Neither form can end the header, begin a folder or show another ending than `.pdf`.
pub(super) fn disposition(file_name: &str) -> String {
    let name = safe(file_name);
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '_' };
    let old: String = name.chars().map(plain).map(|c| if matches!(c, '%' | ';') { '_' } else { c }).collect();
    format!("attachment; filename=\"{old}\"; filename*=UTF-8''{}", escape(&name))
}

fn safe(file_name: &str) -> String {
    let kept = file_name.chars().filter(|c| !c.is_control() && !turns_text(*c));
    let replaced = kept.map(|c| if is_awkward(c) { '_' } else { c });
    let name: String = replaced.collect();
    let stem = match name.trim().rsplit_once('.') {
        Some((stem, ending)) if ending.eq_ignore_ascii_case("pdf") => stem,
        _ => name.trim(),
    };
    let stem: String = stem.trim_start_matches('.').chars().take(LONGEST_NAME).collect();
    let stem = stem.trim();
    format!("{}.pdf", if stem.is_empty() { "contract" } else { stem })
}

/// Means something to a file system or in a header.
fn is_awkward(c: char) -> bool {
    matches!(c, '/' | '\\' | '"' | ':' | '*' | '?' | '<' | '>' | '|')
}

/// Cannot be seen, and makes `fdp.exe` look like `exe.pdf`.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_saved_as_it_is_and_old_clients_get_a_plain_one() {
        assert_eq!(
            disposition("Vertrag Zoë & Söhne.pdf"),
            "attachment; filename=\"Vertrag Zo_ & S_hne.pdf\"; \
             filename*=UTF-8''Vertrag%20Zo%C3%AB%20%26%20S%C3%B6hne.pdf"
        );
        assert_eq!(
            disposition("Agreement.PDF"),
            "attachment; filename=\"Agreement.pdf\"; filename*=UTF-8''Agreement.pdf"
        );
    }

    #[test]
    fn no_name_ends_the_header_leaves_the_folder_or_hides_its_ending() {
        for (given, saved) in [
            ("", "contract.pdf"),
            (".pdf", "contract.pdf"),
            ("../../etc/passwd", "_.._etc_passwd.pdf"),
            ("a\"; filename=\"b.exe", "a_; filename=_b.exe.pdf"),
            ("a\r\nSet-Cookie: b", "aSet-Cookie_ b.pdf"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe.pdf"),
            ("C:\\temp\\x.pdf", "C__temp_x.pdf"),
        ] {
            let header = disposition(given);

            assert_eq!(safe(given), saved, "{given:?}");
            assert!(header.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{header}");
            assert_eq!(header.matches('"').count(), 2, "{header}");
            assert_eq!(header.matches(';').count(), 2, "{header}");
        }
        assert!(safe(&"ä".repeat(400)).len() <= 255);
    }

    #[test]
    fn a_key_becomes_one_path_or_none() {
        assert_eq!(path_of("w/1/signed.pdf").as_deref(), Some("w/1/signed.pdf"));
        assert_eq!(path_of("test$file é+.text").as_deref(), Some("test%24file%20%C3%A9%2B.text"));
        for none in ["", "/w", "w/", "w//x", "w/../x", "./w", &"w".repeat(1025)] {
            assert_eq!(path_of(none), None, "{none:?}");
        }
    }
}
