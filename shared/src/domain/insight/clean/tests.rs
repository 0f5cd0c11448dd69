use super::*;

fn cleaned(text: &str) -> String {
    clean(text, &["example.com".to_owned()]).text
}

#[test]
fn tags_are_taken_out_however_they_are_nested() {
    assert_eq!(cleaned("<b>Hello</b> you<br/>"), "Hello you");
    assert_eq!(cleaned("a<script>steal()</script>b"), "ab");
    assert_eq!(cleaned("<scr<b>ipt>alert(1)</scr</b>ipt>"), "ipt>alert(1)ipt>");
    assert_eq!(cleaned("<img src=x onerror=alert(1)>done"), "done");
    assert_eq!(cleaned("3 < 4 and 5 > 4"), "3 < 4 and 5 > 4");
}

#[test]
fn images_and_foreign_links_are_taken_out_and_counted() {
    let it = clean("See [our page](https://evil.test/x) ![pixel](https://evil.test/p.gif) now", &[]);

    assert_eq!((it.text.as_str(), it.removed), ("See our page  pixel now", 2));
    for link in [
        "https://evil.test",
        "HTTP://EVIL.test/a",
        "www.evil.test",
        "//evil.test/x",
        "javascript:alert(1)",
        "evil.com",
        "login.evil.co/reset",
        "data:text/html,x",
        "thief@evil.com",
        "mailto:thief@evil.com",
        "https://example.com@evil.test/",
        "https://evil.test/example.com",
        "https://notexample.com",
        "https://evil.test\\@example.com",
    ] {
        let it = clean(&format!("Go to {link}."), &["example.com".to_owned()]);
        assert_eq!(it.removed, 1, "{link}: {}", it.text);
        assert!(!it.text.to_lowercase().contains("evil") && !it.text.contains("notexample"), "{}", it.text);
    }
}

#[test]
fn links_to_known_domains_stay() {
    assert_eq!(cleaned("See https://shop.example.com/a?b=1."), "See https://shop.example.com/a?b=1.");
    assert_eq!(cleaned("[Shop](https://example.com)"), "Shop (https://example.com)");
}

#[test]
fn ordinary_words_stay() {
    for text in [
        "He said: no.Then he left, e.g. today.",
        "Version 2.10 costs 4.99",
        "a/b and I/O",
        "{{email}} at 10:30",
    ] {
        assert_eq!(cleaned(text), text);
    }
}

#[test]
fn what_steers_without_being_seen_is_taken_out() {
    assert_eq!(cleaned("a\u{202E}b\u{200B}c\u{0}d\u{E0041}e\u{FEFF}"), "abcde");
    assert_eq!(cleaned("line\r\nline\n\tend"), "line\nline\n\tend");
}

#[test]
fn keys_are_recognised() {
    for key in [
        "sk-proj-abcdefghijklmnop",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJz",
        "-----BEGIN RSA PRIVATE KEY-----",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ] {
        assert!(has_key(&format!("the key is {key}, keep it")), "{key}");
    }
    for text in [
        "An ordinary sentence with 12345 numbers.",
        "antidisestablishmentarianism-and-more-words",
        "https://example.com",
    ] {
        assert!(!has_key(text), "{text}");
    }
}
