// SPDX-License-Identifier: Apache-2.0
fn main() {
    let count = std::env::args().nth(1).map_or(10, |text| text.parse().expect("a number"));
    let numbers = std::iter::successors(Some((0u64, 1u64)), |&(number, next)| Some((next, number.wrapping_add(next))));
    for (number, _) in numbers.take(std::cmp::min(count, 94)) {
        println!("{}", number);
    }
}
