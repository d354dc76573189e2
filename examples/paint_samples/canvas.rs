//! A small canvas. Each shape is a function of the point. Edges are smoothed by painting at three times the resolution.

use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

/// Red, green and blue, 0 to 1.
pub(crate) type Color = [f32; 3];

/// The factor of the canvas's resolution over the finished picture's, on each side.
const FINE: u32 = 3;

/// A picture that is being painted. Coordinates are in units of its height: `y` runs from 0 (top) to 1, `x` from 0 to
/// [`Canvas::right`].
pub(crate) struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<Color>,
}

impl Canvas {
    /// A black canvas for a picture of this size.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width * FINE, height * FINE);
        Self { width, height, pixels: vec![[0.0; 3]; (width * height) as usize] }
    }

    /// The `x` of the right edge.
    pub(crate) fn right(&self) -> f32 {
        self.width as f32 / self.height as f32
    }

    /// Paints a colour over each point, with the opacity that `paint` returns: 0 keeps the old colour, 1 covers it.
    pub(crate) fn lay(&mut self, paint: impl Fn(f32, f32) -> (Color, f32)) {
        for row in 0..self.height {
            for column in 0..self.width {
                let x = (column as f32 + 0.5) / self.height as f32;
                let y = (row as f32 + 0.5) / self.height as f32;
                let (color, cover) = paint(x, y);
                if cover > 0.0 {
                    let pixel = &mut self.pixels[(row * self.width + column) as usize];
                    *pixel = mix(*pixel, color, cover.min(1.0));
                }
            }
        }
    }

    /// A sky, or water: three colours from the top to the bottom of a band.
    pub(crate) fn gradient(&mut self, from: f32, to: f32, colors: [Color; 3]) {
        self.lay(|_, y| {
            let place = ((y - from) / (to - from)).clamp(0.0, 1.0) * 2.0;
            let color =
                if place < 1.0 { mix(colors[0], colors[1], place) } else { mix(colors[1], colors[2], place - 1.0) };
            (color, if y >= from && y <= to { 1.0 } else { 0.0 })
        });
    }

    /// A sun or a moon with the light around it.
    pub(crate) fn disc(&mut self, x: f32, y: f32, radius: f32, color: Color, glow: f32) {
        self.lay(|px, py| {
            let distance = (px - x).hypot(py - y) / radius;
            (color, if distance < 1.0 { 1.0 } else { glow / (distance * distance) })
        });
    }

    /// A hill: everything below a wavy line. `roughness` is the height of the waves.
    pub(crate) fn ridge(&mut self, base: f32, roughness: f32, seed: u32, color: Color) {
        self.lay(|x, y| {
            let line = base - roughness * waves(x * 3.0, seed);
            (mix(color, [0.0; 3], ((y - line) * 0.5).clamp(0.0, 0.25)), if y > line { 1.0 } else { 0.0 })
        });
    }

    /// A row of firs whose feet are at `base`.
    pub(crate) fn firs(&mut self, base: f32, height: f32, step: f32, seed: u32, color: Color) {
        let mut x = -step;
        let mut number = seed;
        while x < self.right() + step {
            number += 1;
            let tall = height * (0.55 + 0.45 * chance(number));
            let foot = base + 0.03 * chance(number ^ 0x55);
            let middle = x + step * 0.6 * chance(number ^ 0xaa);
            self.lay(|px, py| {
                let up = (foot - py) / tall;
                let branches = (1.0 - up) * 0.22 * tall * (0.75 + 0.25 * (1.0 - (up * 7.0).fract()));
                (color, if (0.0..1.0).contains(&up) && (px - middle).abs() < branches { 1.0 } else { 0.0 })
            });
            x += step;
        }
    }

    /// A soft horizontal band of mist.
    pub(crate) fn mist(&mut self, y: f32, thickness: f32, seed: u32, color: Color, strength: f32) {
        self.lay(|px, py| {
            let middle = y + 0.3 * thickness * waves(px * 2.0, seed);
            let distance = (py - middle) / thickness;
            (color, strength * (-distance * distance).exp())
        });
    }

    /// Small round things scattered over a band: snowflakes, flowers, stars.
    pub(crate) fn scatter(&mut self, count: u32, from: f32, to: f32, radius: f32, seed: u32, color: Color) {
        let dots: Vec<(f32, f32, f32)> = (0..count)
            .map(|number| {
                let draw = |salt: u32| chance(number.wrapping_mul(31).wrapping_add(seed) ^ salt);
                (draw(0x1111) * self.right(), from + (to - from) * draw(0x2222), radius * (0.4 + 0.6 * draw(0x3333)))
            })
            .collect();
        self.lay(|x, y| {
            let hit = dots.iter().any(|dot| (x - dot.0).hypot(y - dot.1) < dot.2);
            (color, if hit { 0.9 } else { 0.0 })
        });
    }

    /// The finished picture.
    pub(crate) fn finish(&self) -> RgbImage {
        let fine = RgbImage::from_fn(self.width, self.height, |x, y| {
            Rgb(self.pixels[(y * self.width + x) as usize].map(|part| (part.clamp(0.0, 1.0) * 255.0).round() as u8))
        });
        resize(&fine, self.width / FINE, self.height / FINE, FilterType::Triangle)
    }
}

/// The colour at `place` (0 to 1) on the way from one colour to the other.
pub(crate) fn mix(from: Color, to: Color, place: f32) -> Color {
    [0, 1, 2].map(|part| from[part] + (to[part] - from[part]) * place)
}

/// A number from 0 to 1 that looks random and is the same for the same seed.
fn chance(seed: u32) -> f32 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2c1b_3c6d);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297a_2d39);
    (bits ^ (bits >> 15)) as f32 / u32::MAX as f32
}

/// A smooth wavy line between -1 and 1: three octaves of value noise.
fn waves(x: f32, seed: u32) -> f32 {
    let mut sum = 0.0;
    for octave in 0..3_u32 {
        let place = x * (1 << octave) as f32 + 100.0;
        let cell = place.floor();
        let corner = |offset: u32| chance((cell as u32 + offset).wrapping_mul(7919).wrapping_add(seed + octave * 101));
        let part = place - cell;
        let eased = part * part * (3.0 - 2.0 * part);
        sum += (corner(0) + (corner(1) - corner(0)) * eased - 0.5) / (1 << octave) as f32;
    }
    sum * 1.2
}
