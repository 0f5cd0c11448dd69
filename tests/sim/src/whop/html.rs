//! The look of the pages that people see: plain, readable, light and dark, no script.

const STYLE: &str = "
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent);--accent:#e8572a}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}
main{max-width:72rem;margin:0 auto;padding:1.5rem}
main.narrow{max-width:34rem;margin-top:8vh;border:1px solid var(--line);border-radius:1rem}
h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
.scroll{overflow-x:auto}
form.inline{display:inline}form.row{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end}
label{display:inline-flex;flex-direction:column;gap:.2rem;font-size:.85rem}
input,select,button{font:inherit;padding:.4rem .7rem;border:1px solid var(--line);border-radius:.5rem}
button{background:var(--accent);color:#fff;border-color:transparent;cursor:pointer}
button.quiet{background:transparent;color:inherit;border-color:var(--line)}
button:focus-visible,input:focus-visible,select:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
td button{padding:.1rem .5rem;font-size:.8rem}
ul.scopes{columns:2;padding-left:1.2rem;font-size:.85rem}
.tag{border:1px solid var(--line);border-radius:1rem;padding:0 .5rem;font-size:.8rem}
.note{border-left:4px solid var(--accent);padding:.4rem .8rem;margin:0 0 1rem}
@media (max-width:40rem){ul.scopes{columns:1}main{padding:1rem}}
";

/// A page around a body that is already safe.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{} · Whop stand-in</title><style>{STYLE}</style></head><body>{body}</body></html>",
        escape(title)
    )
}

/// Text as it may stand in HTML, quotes included.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
