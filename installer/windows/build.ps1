<#
.SYNOPSIS
Makes dist\Hearth-VERSION-setup.exe on Windows, and tries it with -Smoke.
.DESCRIPTION
Needs Python 3.11 to 3.13 (64 bits), Visual Studio's C++ tools and NSIS 3; `winget install` has all of them. Signs if
HEARTH_SIGN_PFX names a certificate (HEARTH_SIGN_PASSWORD is its password).
.PARAMETER Python
The Python to make the environment with.
.PARAMETER Smoke
Also install what was made, use it, and uninstall it again. Do not use it where a Hearth is installed that you need.
#>
param([string] $Python = "python", [switch] $Smoke)
Set-StrictMode -Version Latest
$ErrorActionPreference = "Stop"
$root = (Resolve-Path "$PSScriptRoot\..\..").Path

function Invoke-Checked([string] $Program, [string[]] $Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program $Arguments ended with $LASTEXITCODE." }
}

function Enter-CompilerShell {
    if (Get-Command cl.exe -ErrorAction SilentlyContinue) { return }
    $vswhere = "${env:ProgramFiles(x86)}\Microsoft Visual Studio\Installer\vswhere.exe"
    $tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    $studio = if (Test-Path $vswhere) { & $vswhere -latest -products * -requires $tools -property installationPath }
    if (-not $studio) { throw "There is no C++ compiler. Install Visual Studio's Build Tools with C++." }
    & "$studio\Common7\Tools\Launch-VsDevShell.ps1" -Arch amd64 -SkipAutomaticLocation
}

function Find-Nsis {
    if (Get-Command makensis.exe -ErrorAction SilentlyContinue) { return }
    $folder = "${env:ProgramFiles(x86)}\NSIS"
    if (-not (Test-Path "$folder\makensis.exe")) { throw "There is no makensis. Install NSIS 3." }
    $env:PATH = "$folder;$env:PATH"
}

# Setup and uninstaller are windowed programs, which PowerShell does not wait for by itself.
function Invoke-Waiting([string] $Program, [string] $Arguments, [int] $Code = 0) {
    $process = Start-Process -FilePath $Program -ArgumentList $Arguments -Wait -PassThru
    if ($process.ExitCode -ne $Code) {
        $log = Get-Content "$env:TEMP\hearth-setup.log" -Raw -ErrorAction SilentlyContinue
        throw "$Program $Arguments ended with $($process.ExitCode) instead of $Code. $log"
    }
}

function Test-Installer([string] $Setup) {
    $place = Join-Path $env:TEMP "H$([char]0xEB)arth with spaces"
    $hearth = "$place\hearth.exe"
    Invoke-Waiting $Setup "/S /D=$place"  # last, and without quotes, however many spaces it has
    Invoke-Checked "$place\bin\hearth.cmd" @("--version")
    Invoke-Checked $hearth @("doctor")
    Invoke-Checked $hearth @("demo")
    $window = Start-Process -FilePath "$place\hearth-window.exe" -PassThru
    Start-Sleep -Seconds 20
    if ($window.HasExited) { throw "The window ended with $($window.ExitCode)." }
    Invoke-Waiting $Setup "/S" 3  # refused while Hearth runs
    if (-not $window.CloseMainWindow()) { throw "The window is not there." }
    if (-not $window.WaitForExit(60000)) { throw "The window does not close." }
    Invoke-Waiting $Setup "/S"  # once more over it
    Invoke-Checked $hearth @("--version")
    Invoke-Waiting "$place\uninstall.exe" "/S _?=$place"
    Remove-Item "$place\uninstall.exe"  # which cannot delete itself when it is waited for
    if (Get-ChildItem $place) { throw "The uninstaller left files in $place." }
    Remove-Item $place
    if (Test-Path "HKCU:\Software\Hearth") { throw "The uninstaller left entries in the registry." }
    Write-Output "Installed, used, and uninstalled without a complaint."
}

Push-Location $root
try {
    Enter-CompilerShell
    Find-Nsis
    Invoke-Checked $Python @("packaging\bootstrap.py", "installer-windows")
    $setup = Get-ChildItem "dist\Hearth-*-setup.exe" | Sort-Object LastWriteTime | Select-Object -Last 1
    Write-Output "$($setup.FullName), $($setup.Length) bytes"
    if ($Smoke) { Test-Installer $setup.FullName }
} finally {
    Pop-Location
}
