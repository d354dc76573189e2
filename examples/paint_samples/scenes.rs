//! The six scenes.

use image::RgbImage;

use crate::animals;
use crate::canvas::Canvas;

/// An aspect ratio of 3:2.
pub(crate) fn deer_in_mist() -> RgbImage {
    let mut canvas = Canvas::new(360, 240);
    canvas.gradient(0.0, 0.75, [[0.45, 0.55, 0.72], [0.93, 0.76, 0.62], [0.99, 0.89, 0.72]]);
    canvas.disc(1.12, 0.42, 0.075, [1.0, 0.95, 0.80], 0.22);
    canvas.ridge(0.50, 0.16, 11, [0.62, 0.60, 0.68]);
    canvas.mist(0.56, 0.06, 5, [0.98, 0.88, 0.78], 0.7);
    canvas.firs(0.66, 0.22, 0.055, 40, [0.38, 0.44, 0.47]);
    canvas.mist(0.67, 0.06, 6, [0.97, 0.88, 0.80], 0.85);
    canvas.ridge(0.72, 0.05, 23, [0.43, 0.45, 0.30]);
    canvas.ridge(0.84, 0.05, 29, [0.30, 0.33, 0.20]);
    animals::deer(&mut canvas, (0.62, 0.93), 0.66, [0.45, 0.29, 0.18]);
    canvas.mist(0.90, 0.05, 7, [0.96, 0.90, 0.82], 0.35);
    canvas.firs(1.06, 0.16, 0.09, 90, [0.16, 0.20, 0.13]);
    canvas.finish()
}

/// An aspect ratio of 4:5, portrait.
pub(crate) fn fox_in_snow() -> RgbImage {
    let mut canvas = Canvas::new(240, 300);
    canvas.gradient(0.0, 0.7, [[0.40, 0.50, 0.66], [0.66, 0.73, 0.82], [0.88, 0.90, 0.93]]);
    canvas.ridge(0.48, 0.10, 3, [0.70, 0.76, 0.84]);
    canvas.firs(0.58, 0.30, 0.10, 12, [0.33, 0.42, 0.46]);
    canvas.firs(0.66, 0.36, 0.19, 33, [0.19, 0.28, 0.30]);
    canvas.ridge(0.66, 0.05, 44, [0.94, 0.96, 0.99]);
    canvas.ridge(0.82, 0.04, 51, [0.88, 0.92, 0.98]);
    animals::fox(&mut canvas, (0.38, 0.90), 0.46);
    canvas.ridge(0.95, 0.03, 61, [0.97, 0.98, 1.0]);
    canvas.scatter(70, 0.0, 0.85, 0.008, 17, [1.0, 1.0, 1.0]);
    canvas.finish()
}

/// An aspect ratio of 3:4, portrait.
pub(crate) fn heron_at_pond() -> RgbImage {
    let mut canvas = Canvas::new(240, 320);
    canvas.gradient(0.0, 0.6, [[0.25, 0.25, 0.45], [0.78, 0.45, 0.45], [0.98, 0.76, 0.48]]);
    canvas.disc(0.20, 0.50, 0.065, [1.0, 0.90, 0.65], 0.20);
    canvas.ridge(0.54, 0.10, 71, [0.42, 0.31, 0.42]);
    canvas.firs(0.60, 0.10, 0.03, 7, [0.25, 0.20, 0.30]);
    canvas.gradient(0.60, 1.0, [[0.95, 0.70, 0.48], [0.60, 0.42, 0.48], [0.20, 0.20, 0.36]]);
    canvas.mist(0.605, 0.012, 9, [1.0, 0.90, 0.75], 0.7);
    for (number, y) in [0.70_f32, 0.77, 0.86, 0.95].into_iter().enumerate() {
        canvas.mist(y, 0.006, 80 + number as u32, [1.0, 0.85, 0.65], 0.4);
    }
    animals::heron(&mut canvas, (0.40, 0.90), 0.66);
    canvas.mist(0.90, 0.010, 99, [1.0, 0.88, 0.70], 0.6);
    for number in 0..9 {
        reed(&mut canvas, 0.55 + 0.025 * number as f32, 0.35 + 0.04 * ((number * 7) % 5) as f32);
    }
    canvas.finish()
}

/// An aspect ratio of 7:5.
pub(crate) fn bear_on_ridge() -> RgbImage {
    let mut canvas = Canvas::new(336, 240);
    canvas.gradient(0.0, 0.7, [[0.30, 0.52, 0.75], [0.66, 0.80, 0.88], [0.95, 0.92, 0.80]]);
    canvas.ridge(0.40, 0.30, 19, [0.55, 0.62, 0.72]);
    canvas.ridge(0.55, 0.14, 27, [0.62, 0.48, 0.38]);
    canvas.firs(0.66, 0.20, 0.075, 21, [0.80, 0.50, 0.16]);
    canvas.firs(0.70, 0.22, 0.13, 62, [0.66, 0.28, 0.12]);
    canvas.ridge(0.78, 0.07, 37, [0.56, 0.40, 0.18]);
    animals::bear(&mut canvas, (0.72, 0.90), 0.50);
    canvas.ridge(0.93, 0.04, 39, [0.42, 0.28, 0.12]);
    canvas.scatter(60, 0.88, 1.0, 0.009, 5, [0.85, 0.55, 0.18]);
    canvas.finish()
}

/// A square.
pub(crate) fn owl_at_night() -> RgbImage {
    let mut canvas = Canvas::new(240, 240);
    canvas.gradient(0.0, 1.0, [[0.04, 0.06, 0.16], [0.08, 0.13, 0.28], [0.16, 0.22, 0.38]]);
    canvas.scatter(60, 0.0, 0.8, 0.004, 31, [0.95, 0.95, 1.0]);
    canvas.disc(0.62, 0.40, 0.27, [0.94, 0.92, 0.82], 0.16);
    canvas.disc(0.70, 0.33, 0.05, [0.88, 0.86, 0.76], 0.0);
    canvas.disc(0.78, 0.50, 0.035, [0.88, 0.86, 0.76], 0.0);
    canvas.firs(1.04, 0.34, 0.10, 73, [0.05, 0.09, 0.15]);
    animals::owl(&mut canvas, (0.46, 0.80), 0.62);
    canvas.lay(|x, y| {
        let bough = 0.80 + 0.05 * (x - 0.5) + 0.012 * (x * 9.0).sin();
        ([0.11, 0.08, 0.08], if (y - bough).abs() < 0.022 + 0.012 * (1.0 - x) && y > 0.0 { 1.0 } else { 0.0 })
    });
    canvas.finish()
}

/// An aspect ratio of 16:9.
pub(crate) fn hare_in_meadow() -> RgbImage {
    let mut canvas = Canvas::new(320, 180);
    canvas.gradient(0.0, 0.6, [[0.36, 0.62, 0.88], [0.66, 0.82, 0.94], [0.93, 0.96, 0.93]]);
    canvas.mist(0.16, 0.05, 3, [1.0, 1.0, 1.0], 0.8);
    canvas.ridge(0.46, 0.14, 81, [0.52, 0.66, 0.62]);
    canvas.firs(0.56, 0.12, 0.05, 15, [0.28, 0.46, 0.34]);
    canvas.ridge(0.58, 0.06, 83, [0.55, 0.70, 0.32]);
    canvas.ridge(0.74, 0.05, 87, [0.46, 0.63, 0.26]);
    canvas.scatter(50, 0.62, 0.80, 0.009, 6, [0.98, 0.92, 0.50]);
    animals::hare(&mut canvas, (0.66, 0.93), 0.60);
    canvas.ridge(0.93, 0.03, 89, [0.36, 0.54, 0.20]);
    canvas.scatter(55, 0.86, 1.0, 0.016, 8, [0.98, 0.96, 0.92]);
    canvas.scatter(30, 0.86, 1.0, 0.016, 77, [0.86, 0.30, 0.42]);
    canvas.finish()
}

/// A reed that bends to the right, from the lower edge upwards.
fn reed(canvas: &mut Canvas, x: f32, height: f32) {
    canvas.lay(|px, py| {
        let up = (1.0 - py) / height;
        let bend = x + 0.10 * up * up;
        let thickness = if up > 0.82 { 0.010 } else { 0.004 };
        ([0.12, 0.11, 0.16], if (0.0..1.0).contains(&up) && (px - bend).abs() < thickness { 1.0 } else { 0.0 })
    });
}
