//! Small real files: a PDF with a few lines of text, and a ZIP archive without compression.

use std::fmt::Write;

/// A PDF of one page that shows `lines`. Other lines give other bytes.
pub(super) fn pdf(lines: &[String]) -> Vec<u8> {
    let mut content = String::from("BT /F1 12 Tf 16 TL 60 780 Td\n");
    for line in lines {
        let safe: String = line.chars().filter(char::is_ascii).collect();
        let safe = safe.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        writeln!(content, "({safe}) Tj T*").expect("a string takes everything");
    }
    content.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut text = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(text.len());
        write!(text, "{number} 0 obj\n{object}\nendobj\n").expect("a string takes everything");
    }
    let start = text.len();
    write!(text, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).expect("a string takes everything");
    for offset in offsets {
        writeln!(text, "{offset:010} 00000 n ").expect("a string takes everything");
    }
    write!(text, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1)
        .expect("a string takes everything");
    text.into_bytes()
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

fn small(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("a small archive").to_le_bytes()
}

fn large(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("a small archive").to_le_bytes()
}

/// A ZIP archive that stores its files as they are.
pub(super) fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in files {
        let offset = archive.len();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x5D];
        common.extend(crc32(bytes).to_le_bytes());
        common.extend(large(bytes.len()));
        common.extend(large(bytes.len()));
        common.extend(small(name.len()));
        common.extend([0, 0]);
        archive.extend(*b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(bytes);
        directory.extend(*b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(large(offset));
        directory.extend(name.as_bytes());
    }
    let start = archive.len();
    let length = directory.len();
    archive.extend(directory);
    archive.extend(*b"PK\x05\x06\0\0\0\0");
    archive.extend(small(files.len()));
    archive.extend(small(files.len()));
    archive.extend(large(length));
    archive.extend(large(start));
    archive.extend([0, 0]);
    archive
}
