// SPDX-License-Identifier: Apache-2.0
// Arguments, environment, files and panics as Rust's standard library does them: rust.sh.
use std::{env, fs, process};

fn copy(from: &str, to: &str) -> std::io::Result<()> {
    let text = fs::read_to_string(from)?;
    fs::write(to, text.to_uppercase())
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["env", name] => println!("{}", env::var(name).unwrap_or_else(|_| "not set".into())),
        ["copy", from, to] => {
            if let Err(error) = copy(from, to) {
                eprintln!("{}", error);
                process::exit(3);
            }
        }
        ["panic"] => {
            let none: Vec<u32> = Vec::new();
            println!("{}", none[words.len()]);
        }
        words => println!("{}", words.join(",")),
    }
}
