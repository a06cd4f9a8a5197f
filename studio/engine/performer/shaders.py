"""GLSL of the performer's renderer, kept as text so that `render` reads as the order of passes."""

# ruff: noqa: E501 - shader lines are formulas and read best whole

from __future__ import annotations

NOISE = """
float hash(vec3 p) { p = fract(p * vec3(0.1031, 0.1030, 0.0973)); p += dot(p, p.yxz + 33.33); return fract((p.x + p.y) * p.z); }
float noise(vec3 x) {
  vec3 i = floor(x), f = fract(x); f = f * f * (3.0 - 2.0 * f);
  return mix(mix(mix(hash(i), hash(i + vec3(1,0,0)), f.x), mix(hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)), f.x), f.y),
             mix(mix(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), f.x), mix(hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)), f.x), f.y), f.z);
}
float fbm(vec3 x) { return 0.5 * noise(x) + 0.25 * noise(x * 2.03 + 7.1) + 0.125 * noise(x * 4.1 + 3.7) + 0.125 * noise(x * 8.3); }
vec3 hash3(vec3 p) { p = fract(p * vec3(0.1031, 0.1030, 0.0973)); p += dot(p, p.yxz + 33.33); return fract((p.xxy + p.yxx) * p.zyx); }
vec2 cells(vec3 x) {  // distance to the nearest of jittered points, and that point's random number
  vec3 i = floor(x), f = fract(x); vec2 best = vec2(9.0, 0.0);
  for (int a = -1; a <= 1; a++) for (int b = -1; b <= 1; b++) for (int c = -1; c <= 1; c++) {
    vec3 g = vec3(a, b, c), k = i + g;
    vec3 o = hash3(k); vec3 e = g + o - f;
    float d = dot(e, e);
    if (d < best.x) best = vec2(d, fract(o.x * 17.31 + o.y * 5.77));
  }
  return vec2(sqrt(best.x), best.y);
}
"""

SHADOW = """
#define KEY_AWAY normalize(vec3(0.42, 0.46, 0.80))
uniform sampler2DShadow shadow_map; uniform mat4 shadow_matrix; uniform float shadow_texel;
float lit(vec3 p, vec3 n, float spread) {  // share of the key light that arrives, soft at the edges
  vec4 l = shadow_matrix * vec4(p + n * 0.0022, 1.0); vec3 c = l.xyz * 0.5 + 0.5; c.z -= 0.0012;
  if (dot(n, KEY_AWAY) < -0.45) return 0.0;
  float s = 0.0;
  for (int i = 0; i < 12; i++) {
    float r = sqrt((float(i) + 0.5) / 12.0) * spread * shadow_texel, a = float(i) * 2.39996;
    s += texture(shadow_map, vec3(c.xy + r * vec2(cos(a), sin(a)), c.z));
  }
  return s / 12.0;
}
"""

LIGHT = """
#define KEY normalize(vec3(0.42, 0.46, 0.80))
uniform vec3 eye;
const vec3 FILL = normalize(vec3(-0.75, 0.05, 0.66)), RIM = normalize(vec3(-0.55, 0.50, -0.75)), RIM2 = normalize(vec3(0.75, 0.25, -0.60));
const vec3 KEY_C = vec3(2.80, 2.67, 2.50), FILL_C = vec3(0.34, 0.385, 0.455), RIM_C = vec3(1.2, 1.22, 1.3), RIM2_C = vec3(0.6, 0.6, 0.64);
vec3 sky(vec3 n) { return mix(vec3(0.225, 0.207, 0.203), vec3(0.49, 0.52, 0.565), n.y * 0.5 + 0.5) * mix(0.72, 1.0, n.z * 0.5 + 0.5); }
float ggx(vec3 n, vec3 v, vec3 l, float rough) {
  vec3 h = normalize(l + v); float nh = max(dot(n, h), 0.0), nl = max(dot(n, l), 0.0), nv = max(dot(n, v), 0.05);
  float a = rough * rough, a2 = a * a, d = nh * nh * (a2 - 1.0) + 1.0;
  float k = (rough + 1.0) * (rough + 1.0) / 8.0;
  float f = 0.028 + 0.972 * pow(1.0 - clamp(dot(h, v), 0.0, 1.0), 5.0);
  return a2 / (3.14159 * d * d) * f / (4.0 * (nv * (1.0 - k) + k) * (nl * (1.0 - k) + k)) * nl;
}
"""

_LIDS = """
uniform mat4 gaze; uniform vec3 eye_at; // turns about the left eye's centre; the right eye mirrors it
vec3 followed(vec3 p, float share) {
  vec3 c = vec3(p.x < 0.0 ? -eye_at.x : eye_at.x, eye_at.yz);
  return p + share * (mat3(gaze) * (p - c) + c - p);
}
"""

SKIN_VERTEX = (
    "#version 330\n"
    + SHADOW
    + _LIDS
    + """
in vec3 position; in vec3 normal; in vec2 uv; in vec4 extra; // ao, head weight, bust, kind: > 0 mouth, < 0 lids' share of the gaze
uniform mat4 view_projection; uniform mat4 head;
out vec3 P; out vec3 N; centroid out vec2 U; out vec4 X; out float KIND; // X: ao, fade, key light
void main() {
  vec3 placed = followed(position, max(-extra.w, 0.0)), turned = mat3(head) * placed + head[3].xyz;
  P = mix(placed, turned, extra.y); N = mix(normal, mat3(head) * normal, extra.y);
  U = uv; X = vec4(extra.x, extra.z, lit(P, normalize(N), 17.0), 0.0); KIND = extra.w;
  gl_Position = view_projection * vec4(P, 1.0);
}"""
)

SKIN_FRAGMENT = (
    "#version 330\n"
    + LIGHT
    + """
in vec3 P; in vec3 N; centroid in vec2 U; in vec4 X; in float KIND;
uniform sampler2D colour_map; uniform sampler2D detail_map; uniform sampler2D wrinkle_map; uniform sampler2D more_map;
uniform vec4 wrinkles_a; uniform vec4 wrinkles_b; uniform vec3 wrinkles_c; uniform int wrinkled; uniform float mouth_open; uniform int surface; uniform vec2 bust;
out vec4 frag;
vec3 bumped(vec3 n, float h) {
  vec3 px = dFdx(P), py = dFdy(P); float hx = dFdx(h), hy = dFdy(h);
  vec3 r1 = cross(py, n), r2 = cross(n, px); float det = dot(px, r1);
  vec3 g = sign(det) * (hx * r1 + hy * r2);
  return normalize(abs(det) * n - g);
}
void main() {
  vec3 v = normalize(eye - P), n = normalize(N); if (dot(n, v) < 0.0 && surface != 0) n = -n;
  vec4 paint = texture(colour_map, U); vec3 albedo = paint.rgb * paint.rgb; float gloss = paint.a;
  vec3 wrap = vec3(0.40, 0.22, 0.16); float rough = 0.46; vec3 smooth_n = n; vec3 blur = vec3(0.0);
  float ao = clamp(X.x, 0.0, 1.0);
  if (surface == 0) {
    vec4 d = texture(detail_map, U) * 4.0 - 2.0;
    float h = d.x * 0.00026; blur = vec3(0.70, 0.42, 0.30) * (1.0 - smoothstep(0.0, 1.0, float(wrinkled)) * 0.35);
    if (wrinkled != 0) {
      vec4 w = texture(wrinkle_map, U) * 4.0 - 2.0, m = texture(more_map, U) * 4.0 - 2.0;
      float crease = dot(vec4(d.yzw, w.x), wrinkles_a) + dot(vec4(w.yzw, m.x), wrinkles_b) + dot(m.yzw, wrinkles_c);
      float valley = clamp(crease, -1.2, 0.0);
      h += crease * 0.0014;
      albedo *= 1.0 + 0.40 * valley * vec3(0.70, 1.0, 1.06);
      ao *= 1.0 + 0.45 * valley;
    }
    n = bumped(n, h);
    rough = mix(0.56, 0.34, gloss);
    if (KIND > 0.5) { ao = KIND * mix(0.10, 0.42, mouth_open) * 0.5; rough = 0.3; gloss = 0.8; }
  } else if (surface == 1) { // teeth
    rough = 0.18; gloss = 1.0; wrap = vec3(0.5, 0.45, 0.4); ao *= mix(0.60, 1.0, clamp(mouth_open * 3.5, 0.0, 1.0));
  } else if (surface == 2) { rough = 0.3; gloss = 0.9; ao *= mix(0.35, 0.85, clamp(mouth_open * 1.5, 0.0, 1.0)); }
  else if (surface == 3) { rough = 0.8; gloss = 0.15; wrap = vec3(0.1); }
  float s = clamp(X.z, 0.0, 1.0); if (surface == 1) s = 0.45 + 0.55 * s; // light spreads inside teeth
  vec3 s3 = pow(vec3(s), vec3(0.75, 1.0, 1.1)); vec3 shade = mix(vec3(ao), vec3(1.0), 0.35);
  vec3 c = albedo * sky(n) * pow(vec3(ao), vec3(0.85, 1.05, 1.1));
  float spec = 0.0; vec3 sc = vec3(0.0);
  vec3 kd = clamp((mix(vec3(dot(n, KEY)), vec3(dot(smooth_n, KEY)), blur) + wrap) / (1.0 + wrap), 0.0, 1.0);
  c += albedo * kd * kd * KEY_C * 0.62 * s3 * shade;
  kd = clamp((vec3(dot(n, FILL)) + wrap) / (1.0 + wrap), 0.0, 1.0); c += albedo * kd * FILL_C * 0.62 * shade * ao;
  kd = clamp((vec3(dot(n, RIM)) + wrap * 0.5) / (1.0 + wrap * 0.5), 0.0, 1.0); c += albedo * kd * RIM_C * 0.45 * ao;
  kd = clamp((vec3(dot(n, RIM2)) + wrap * 0.5) / (1.0 + wrap * 0.5), 0.0, 1.0); c += albedo * kd * RIM2_C * 0.45 * ao;
  float strength = mix(0.25, 1.0, gloss);
  sc += (ggx(n, v, KEY, rough) * 0.7 + ggx(n, v, KEY, rough * 0.6) * 0.3) * KEY_C * s;
  sc += ggx(n, v, RIM, rough) * RIM_C * 0.6;
  float fresnel = 0.02 + 0.35 * pow(1.0 - clamp(dot(n, v), 0.0, 1.0), 5.0);
  sc += fresnel * sky(reflect(-v, n)) * 0.55;
  if (surface == 0) c += albedo * sky(n) * ao * 0.35 * pow(1.0 - clamp(dot(n, v), 0.0, 1.0), 3.0);
  c += sc * strength * ao;
  float rise = X.y > 0.5 ? 1.0 : smoothstep(0.0, 0.0025, P.y - bust.x - bust.y * max(abs(P.x) - 0.05, 0.0));
  if (rise < 0.02) discard;
  frag = vec4(c, rise);
}"""
)

EYE_VERTEX = """#version 330
in vec3 position; uniform mat4 view_projection; uniform mat4 pose; // unit sphere directions → head space
uniform vec3 centre; uniform float radius;
out vec3 P; out vec3 D;
void main() {
  vec3 d = normalize(position); float a = acos(clamp(d.z, -1.0, 1.0));
  float bulge = 0.075 * smoothstep(0.56, 0.0, a) + 0.012 * smoothstep(0.62, 0.45, a);
  vec3 local = d * radius * (1.0 + bulge);
  P = mat3(pose) * (centre + local) + pose[3].xyz; D = local / radius;
  gl_Position = view_projection * vec4(P, 1.0);
}"""

EYE_FRAGMENT = (
    "#version 330\n"
    + NOISE
    + SHADOW
    + LIGHT
    + """
in vec3 P; in vec3 D; uniform mat4 pose; uniform vec3 iris; uniform vec3 iris_rim; uniform float side; uniform vec3 lid_tint;
uniform vec2 opening; // lids' upper and lower edge in eye radii
out vec4 frag;
void main() {
  mat3 turn = mat3(pose);
  vec3 v = normalize(eye - P), vl = transpose(turn) * v;
  vec3 nl = normalize(D); float a = acos(clamp(nl.z, -1.0, 1.0));
  // The cornea is a smaller, steeper sphere.
  float cornea = smoothstep(0.60, 0.46, a);
  vec3 steep = normalize(D - vec3(0.0, 0.0, 0.40));
  vec3 n = normalize(turn * normalize(mix(nl, steep, cornea)));
  // Iris disc behind the cornea, seen through its refraction.
  vec3 nn = normalize(mix(nl, steep, cornea)); vec3 ray = refract(-vl, nn, 1.0 / 1.336);
  float depth = 0.845; float t = (D.z - depth) / max(-ray.z, 0.15);
  vec2 q = (D + ray * max(t, 0.0)).xy; float R = 0.465; float r = length(q) / R, th = atan(q.y, q.x);
  float fibre = fbm(vec3(cos(th) * 9.0, sin(th) * 9.0, r * 1.6)) ;
  float fine = noise(vec3(th * 38.0, r * 3.0, 2.0 + side));
  vec3 inner = mix(iris, iris * vec3(1.45, 1.2, 0.75) + vec3(0.035, 0.025, 0.0), smoothstep(0.66, 0.38, r + 0.14 * (fibre - 0.5)));
  vec3 disc = mix(inner, iris_rim, smoothstep(0.66, 0.98, r + 0.12 * (fibre - 0.5)));
  disc *= 0.50 + 0.95 * fibre * mix(0.7, 1.3, fine);
  float pupil = smoothstep(0.33, 0.39, r); disc *= pupil;
  // Light pools on the iris opposite to the key.
  vec3 kl = transpose(turn) * KEY; disc *= 0.62 + 0.85 * clamp(0.45 - dot(normalize(q + 1e-4), kl.xy) * r, 0.0, 1.0);
  float corner = smoothstep(0.35, 0.95, abs(nl.x));
  vec3 white = mix(vec3(0.58, 0.555, 0.535), vec3(0.56, 0.40, 0.365), corner * 0.7);
  white = mix(white, vec3(0.60, 0.36, 0.33), 0.45 * smoothstep(0.14, 0.0, abs(nl.y - opening.y - 0.04)));
  float vein = smoothstep(0.72, 0.95, 1.0 - abs(fbm(vec3(nl.x * 7.0, nl.y * 16.0, 3.0 + side)) - 0.5) * 5.0) * smoothstep(0.45, 0.9, a);
  white = mix(white, vec3(0.62, 0.32, 0.29), vein * 0.30);
  float limbus = smoothstep(0.86, 1.07, r + 0.03 * (fibre - 0.5));
  vec3 albedo = mix(disc, mix(iris_rim * 0.8, white, smoothstep(0.93, 1.20, r)), limbus);
  // Lids shade the ball near their edges.
  float shade = smoothstep(opening.x + 0.06, opening.x - 0.38, nl.y) * smoothstep(opening.y - 0.10, opening.y + 0.12, nl.y);
  shade *= 1.0 - 0.45 * smoothstep(0.6, 1.0, abs(nl.x)); shade = mix(0.16, 1.0, shade);
  float s = lit(P, normalize(turn * nl), 7.0);
  vec3 soft = normalize(turn * mix(nl, vec3(0, 0, 1), 0.35));
  vec3 c = albedo * sky(soft) * shade * 0.95;
  c += albedo * (0.25 + 0.75 * max(dot(soft, KEY), 0.0)) * KEY_C * 0.5 * mix(0.35, 1.0, s) * shade;
  c += albedo * max(dot(soft, FILL) * 0.8 + 0.2, 0.0) * FILL_C * 0.6 * shade;
  vec3 h = reflect(-v, n);
  vec3 kx = normalize(cross(vec3(0, 1, 0), KEY)), ky = cross(KEY, kx);
  vec2 box = abs(vec2(dot(h, kx), dot(h, ky))); float k = dot(h, KEY) > 0.0 ? smoothstep(0.155, 0.12, max(box.x, box.y)) : 0.0;
  vec3 fx = normalize(cross(vec3(0, 1, 0), FILL)), fy = cross(FILL, fx);
  vec2 fb = abs(vec2(dot(h, fx) * 2.2, dot(h, fy))); float kf = dot(h, FILL) > 0.0 ? smoothstep(0.20, 0.12, max(fb.x, fb.y)) : 0.0;
  float open_key = smoothstep(0.05, 0.5, s);
  float fresnel = 0.025 + 0.6 * pow(1.0 - clamp(dot(n, v), 0.0, 1.0), 5.0);
  c += k * vec3(1.0, 0.98, 0.95) * 1.15 * shade * open_key + kf * vec3(0.35, 0.38, 0.42) * 0.5 * shade + fresnel * sky(h) * shade * 0.8;
  frag = vec4(c, 1.0);
}"""
)

_RIBBON = (
    _LIDS
    + """
in vec3 position; in vec3 tangent; in vec4 shape; // shape: side, half width, head weight, lids' share of the gaze
uniform mat4 view_projection; uniform mat4 head; uniform vec3 direction; // direction ≠ 0: parallel view
vec3 ribbon(vec3 eye, out vec3 t) {
  vec3 placed = followed(position, shape.w), p = mix(placed, mat3(head) * placed + head[3].xyz, shape.z);
  t = normalize(mix(tangent, mat3(head) * tangent, shape.z));
  vec3 v = dot(direction, direction) > 0.0 ? direction : normalize(eye - p);
  vec3 across = cross(t, v);
  return p + shape.x * shape.y * across / max(length(across), 0.2);
}
"""
)

STRAND_VERTEX = (
    "#version 330\n"
    + LIGHT
    + _RIBBON
    + """
in vec4 look; // rgb; occlusion in whole 255ths plus the key light that arrives as fraction
uniform vec3 middle; uniform float shine;
out vec3 C;
vec3 lobe(vec3 t, vec3 v, vec3 l, vec3 colour, vec3 around, float s) {
  float tl = dot(t, l), diffuse = sqrt(max(1.0 - tl * tl, 0.0));
  float facing = smoothstep(-0.35, 0.75, dot(around, l));
  vec3 h = normalize(l + v); float th = dot(normalize(t + 0.10 * around), h), th2 = dot(normalize(t - 0.14 * around), h);
  float first = pow(max(1.0 - th * th, 0.0), 55.0), second = pow(max(1.0 - th2 * th2, 0.0), 13.0);
  return facing * s * (colour * diffuse * 0.85 + shine * (first * vec3(0.10) + second * colour * 0.9));
}
void main() {
  vec3 t, p = ribbon(eye, t), v = normalize(eye - p);
  vec3 around = normalize(p - (mat3(head) * middle + head[3].xyz));
  float ao = floor(look.a) / 255.0, s = fract(look.a) / 0.996;
  C = look.rgb * sky(around) * ao * 0.9;
  C += lobe(t, v, KEY, look.rgb, around, s) * KEY_C * 0.62 * mix(ao, 1.0, 0.3);
  C += (lobe(t, v, FILL, look.rgb, around, 1.0) * FILL_C * 0.7 + lobe(t, v, RIM, look.rgb, around, 1.0) * RIM_C * 0.8 + lobe(t, v, RIM2, look.rgb, around, 1.0) * RIM2_C * 0.8) * ao;
  gl_Position = view_projection * vec4(p, 1.0);
}"""
)

STRAND_FRAGMENT = """#version 330
in vec3 C; out vec4 frag; void main() { frag = vec4(C, 1.0); }"""

STRAND_DEPTH_VERTEX = (
    "#version 330\n"
    + _RIBBON
    + "void main() { vec3 t; gl_Position = view_projection * vec4(ribbon(vec3(0.0), t), 1.0); }"
)

DEPTH_VERTEX = """#version 330
in vec3 position; in vec4 extra; uniform mat4 view_projection; uniform mat4 head;
void main() { gl_Position = view_projection * vec4(mix(position, mat3(head) * position + head[3].xyz, extra.y), 1.0); }"""

DEPTH_FRAGMENT = """#version 330
void main() {}"""

SCREEN_VERTEX = """#version 330
out vec2 U; void main() { vec2 p = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0); U = p * 0.5 + 0.5; gl_Position = vec4(p, 0.0, 1.0); }"""

RESOLVE_FRAGMENT = """#version 330
uniform sampler2D image; uniform int factor; uniform float exposure; out vec4 frag;
vec3 tone(vec3 c) { // a gentle shoulder above 0.55, straight below
  c *= exposure; vec3 k = vec3(0.55), o = max(c - k, 0.0); return min(c, k) + o / (1.0 + o / 0.47);
}
void main() { // a small tent over the neighbours: single hairs neither flicker nor look like wire
  ivec2 corner = ivec2(gl_FragCoord.xy) * factor, size = textureSize(image, 0) - 1; vec4 sum = vec4(0.0); float n = 0.0;
  float reach = float(factor) * 0.5 + 0.5;
  for (int y = -1; y <= factor; y++) for (int x = -1; x <= factor; x++) {
    vec2 away = abs(vec2(x, y) + 0.5 - 0.5 * float(factor)) / reach; float w = exp(-2.3 * dot(away, away));
    vec4 c = texelFetch(image, clamp(corner + ivec2(x, y), ivec2(0), size), 0); sum += w * vec4(tone(c.rgb) * c.a, c.a); n += w;
  }
  vec3 c = sum.a > 0.0 ? sum.rgb / sum.a : vec3(0.0);
  c = mix(12.92 * c, 1.055 * pow(max(c, 1e-5), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
  frag = vec4(c, sum.a / n);
}"""
