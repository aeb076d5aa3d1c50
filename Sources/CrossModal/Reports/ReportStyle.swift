/// The look of the report page: one quiet column, wide pictures, light and dark, and paper.
enum ReportStyle {
  static let rules = colors + text + blocks + gallery + paper

  private static let colors = """
    :root{color-scheme:light dark;--paper:#fffefb;--panel:#f7f4ec;--ink:#23211e;--soft:#6b675f;--line:#ddd8cc;\
    --faint:#ece8de;--accent:#1f5fa8;--good:#1d8a6b;--mark:#fbf3d9;\
    --serif:Charter,"Bitstream Charter","Iowan Old Style","Source Serif 4","Source Serif Pro","Palatino Linotype",\
    Georgia,"Noto Serif","Songti SC","Noto Serif CJK SC","SimSun",serif;\
    --sans:-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,"PingFang SC","Noto Sans CJK SC",\
    "Microsoft YaHei",sans-serif;\
    --mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono","Noto Sans Mono CJK SC",monospace}
    @media screen and (prefers-color-scheme:dark){:root{--paper:#1b1a18;--panel:#242320;--ink:#ece9e2;--soft:#a39f95;\
    --line:#403d38;--faint:#302e2a;--accent:#7db2ee;--good:#5cc7a5;--mark:#3a3420}}

    """

  private static let text = """
    *{box-sizing:border-box}
    :lang(en){font-variant-east-asian:proportional-width}
    html{-webkit-text-size-adjust:100%;background:var(--paper)}
    body{margin:0;color:var(--ink);font:400 1.0625rem/1.62 var(--serif);font-kerning:normal;\
    text-rendering:optimizeLegibility;overflow-wrap:break-word}
    main{display:grid;--side:clamp(0rem,(100vw - 46rem)/2,7rem);\
    grid-template-columns:minmax(1.25rem,1fr) var(--side) minmax(0,42.5rem) var(--side) minmax(1.25rem,1fr);padding:clamp(2.5rem,8vw,6rem) 0 4rem}
    main>*{grid-column:3;min-width:0}
    h1,h2,h3{font-weight:600;line-height:1.2;text-wrap:balance;margin:0}
    h1{font-size:clamp(2rem,1.4rem + 2.6vw,2.9rem);letter-spacing:-.015em;line-height:1.12}
    h2{font-size:1.55rem;letter-spacing:-.008em;margin-top:4.25rem;padding-top:1.1rem;border-top:1px solid var(--line)}
    h3{font-size:1.15rem;margin-top:2.4rem}
    p,ul{margin:1.05rem 0 0}
    ul{padding-left:1.15em}
    li{margin:.3rem 0}
    a{color:var(--accent);text-decoration-thickness:.06em;text-underline-offset:.18em}
    header{margin-bottom:1.5rem}
    .kicker{font:600 .8125rem/1.4 var(--sans);letter-spacing:.06em;text-transform:uppercase;color:var(--accent);\
    margin:0 0 .9rem}
    .lead{font-size:1.22rem;line-height:1.52;color:var(--soft);margin-top:1.2rem;text-wrap:pretty}
    nav{font:400 .9375rem/1.5 var(--sans);margin-top:.75rem}
    nav ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1.4rem}
    nav li{margin:0}
    nav a{text-decoration:none}
    nav a:hover{text-decoration:underline}
    code{font:400 .865em var(--mono);background:var(--panel);border-radius:.25em;padding:.1em .3em;\
    font-variant-ligatures:none}
    footer{margin-top:5rem;padding-top:1rem;border-top:1px solid var(--line);font:400 .8125rem/1.5 var(--sans);\
    color:var(--soft)}
    footer p{margin:0}

    """

  private static let blocks = """
    figure{margin:2.4rem 0 .6rem}
    figcaption{font:400 .875rem/1.5 var(--sans);color:var(--soft);margin-top:.9rem;text-wrap:pretty}
    figcaption strong{color:var(--ink);font-weight:600;margin-right:.35em}
    figure>img{max-width:100%;height:auto;display:block}
    .plot{display:block;width:100%;height:auto}
    .plot.narrow{display:none}
    .tabular figcaption{margin:0 0 .7rem}
    .broad,.figures,.columns{grid-column:2/5}
    .scroll{overflow-x:auto;background:linear-gradient(to right,var(--paper) 1rem,transparent 2.5rem) local,\
    linear-gradient(to left,var(--paper) 1rem,transparent 2.5rem) local,\
    linear-gradient(to right,var(--line),transparent .8rem),linear-gradient(to left,var(--line),transparent .8rem)}
    table{border-collapse:collapse;width:100%;font:400 .9375rem/1.45 var(--sans);\
    font-variant-numeric:tabular-nums lining-nums}
    thead th{font-weight:600;font-size:.8125rem;color:var(--soft);text-align:left;vertical-align:bottom;\
    border-bottom:1.5px solid var(--ink);padding:.3rem 1.1rem .45rem 0}
    td{padding:.48rem 1.1rem .48rem 0;border-bottom:1px solid var(--faint);vertical-align:baseline}
    tbody tr:last-child td{border-bottom:1px solid var(--line)}
    th.number,td.number{text-align:right}td.number{white-space:nowrap}
    th:last-child,td:last-child{padding-right:.4rem}
    td b{font-weight:650;box-shadow:0 .18em 0 -.02em var(--paper),0 .26em 0 -.02em var(--good)}
    .blank{visibility:hidden}
    th:first-child,td:first-child{min-width:7.5rem}
    th.number:first-child,td.number:first-child{min-width:0}
    tr.quiet td{color:var(--soft);font-style:italic}
    .interval,.missing{color:var(--soft);font-size:.86em;white-space:nowrap}
    .interval[style]{display:inline-block;text-align:left}
    td .meaning{display:block;color:var(--soft);font-size:.8125rem;line-height:1.4;max-width:24rem;text-wrap:pretty}
    .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.25rem,1fr));gap:1.6rem 2rem;\
    margin:2.6rem 0 1rem;padding:1.5rem 0;border-top:1.5px solid var(--ink);border-bottom:1px solid var(--line)}
    .figures p{margin:0}
    .figures .value{font:600 2.35rem/1.1 var(--serif);letter-spacing:-.02em;font-variant-numeric:lining-nums}
    .figures .label{font:500 .9375rem/1.4 var(--sans);margin-top:.45rem}
    .figures .note{font:400 .8438rem/1.4 var(--sans);color:var(--soft);margin-top:.15rem}
    dl{font:400 .9375rem/1.5 var(--sans);margin:1.6rem 0 0}
    dl div{display:grid;grid-template-columns:minmax(7rem,11rem) 1fr;gap:1rem;padding:.42rem 0;\
    border-bottom:1px solid var(--faint)}
    dt{color:var(--soft)}
    dd{margin:0;overflow-wrap:anywhere}
    aside{margin:1.6rem 0 .4rem;padding:.1rem 0 .1rem 1.2rem;border-left:3px solid var(--accent);color:var(--soft)}
    aside p{margin:.35rem 0}
    .code{margin:1.5rem 0 .4rem}
    .code figcaption{margin:0 0 .45rem}
    pre{margin:0;padding:1rem 1.15rem;background:var(--panel);border-radius:.5rem;overflow-x:auto;\
    font:400 .875rem/1.6 var(--mono);tab-size:2}
    pre code{background:none;padding:0;font-size:1em;line-height:inherit}
    pre i{font-style:normal;white-space:nowrap}
    pre span{display:block;white-space:pre-wrap;overflow-wrap:anywhere;padding-left:4ch;text-indent:-4ch}
    .columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:0 3rem}
    .columns>div{min-width:0}
    details{margin:1.6rem 0 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line);padding:.7rem 0}
    details+details{margin-top:-1px}
    summary{font:500 .9375rem/1.5 var(--sans);cursor:pointer}
    summary:hover{color:var(--accent)}
    details[open]>summary{margin-bottom:.6rem}
    :focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:2px}

    """

  private static let gallery = """
    .query{display:grid;grid-template-columns:8.75rem 1fr;gap:1rem 1.5rem;padding:1.35rem 0;\
    border-top:1px solid var(--line)}
    .query:last-child{border-bottom:1px solid var(--line)}
    .asked .words{font:italic 500 1.25rem/1.3 var(--serif);margin:0;text-wrap:balance}
    .asked .note{font:400 .8125rem/1.45 var(--sans);color:var(--soft);margin:.4rem 0 0}
    .found{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(4.4rem,1fr));\
    gap:1.1rem .6rem;font:400 .775rem/1.35 var(--sans)}
    .found li{margin:0;display:flex;flex-direction:column;min-width:0}
    .gallery img{width:100%;max-width:6rem;aspect-ratio:1;object-fit:contain;background:#fff;border-radius:.5rem;\
    box-shadow:0 0 0 1px var(--line);padding:.35rem;display:block}
    .found li.hit img{box-shadow:0 0 0 2px var(--good)}
    .found .name{margin-top:.5rem;overflow-wrap:normal}
    .found .name.long{overflow-wrap:anywhere}
    .found .score{color:var(--soft);font-variant-numeric:tabular-nums;margin-top:.1rem}
    .found.lines{grid-template-columns:1fr;gap:.45rem}
    .found.lines li{flex-direction:row;gap:1rem;align-items:baseline;justify-content:space-between}
    .found.lines .words{font:400 1.0625rem/1.4 var(--serif)}
    .found.lines .score{white-space:nowrap}
    .gallery.large .query{grid-template-columns:1fr}
    .gallery.large img{max-width:none;aspect-ratio:auto;border-radius:.35rem;padding:0}
    .gallery.large .asked{max-width:26rem}
    .gallery.large .found{grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:1.4rem 1.2rem;font-size:.9375rem}
    .scale{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem .6rem;margin:.9rem 0 0;\
    font:400 .8125rem/1.5 var(--sans);font-variant-numeric:tabular-nums;color:var(--soft)}
    .scale .shades{width:9rem;height:.75rem;border-radius:.2rem;box-shadow:0 0 0 1px var(--line)}
    .scale .meaning{flex:1 1 18rem;margin-left:.6rem}
    .tick{color:var(--good);font-weight:700;margin-right:.3em}
    .cross{color:var(--soft);font-weight:700;margin-right:.4em}
    .key{font:400 .8125rem/1.5 var(--sans);color:var(--soft);margin:.8rem 0 0}
    @media (max-width:40rem){body{font-size:1rem}thead th,td{padding-right:.6rem}\
    th:first-child,td:first-child{min-width:5rem}.plot.wide{display:none}.plot.narrow{display:block}\
    .query{grid-template-columns:1fr}\
    \
    .gallery.large .found{grid-template-columns:1fr 1fr}td .interval,td .interval[style]{display:block;text-align:right}td .interval.blank{display:none}\
    .figures{grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr))}h2{margin-top:3rem}\
    dl div{grid-template-columns:1fr;gap:0}.lead{font-size:1.1rem}}

    """

  private static let paper = """
    @media print{@page{margin:20mm 18mm}main{display:block;padding:0}body{font-size:10.5pt}nav{display:none}\
    h2{margin-top:2rem;break-after:avoid}h3{break-after:avoid}figure,table,.query,.figures,pre{break-inside:avoid}\
    pre{white-space:pre-wrap;border:1px solid var(--line)}a{color:inherit}}

    """
}
